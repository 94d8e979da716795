"""Splitting people by lot: the same person goes the same way for ever, and each split draws anew."""

import hashlib

from app.flows.steps import Arm, SplitByArm


def lot_of(*, domain: str, flow: str, person: str) -> str:
    """What a person's arms in a flow are drawn by.

    Args:
        domain: the store's, lower case.
        person: the customer's external id, for guests the normalised e-mail.
    """
    return f"{domain.lower()}:{flow}:{person}"


def arm_of(step: SplitByArm, lot: str) -> Arm:
    """The arm of a person at a split, by the weights; fixed as long as the weights are.

    Source: DEFINITIONS.md, A/B (a person's arm is fixed for ever by hash).
    """
    digest = hashlib.sha256(f"{lot}:{step.id}".encode()).hexdigest()
    place = int(digest, 16) % sum(arm.weight for arm in step.arms)
    for arm in step.arms[:-1]:
        if place < arm.weight:
            return arm
        place -= arm.weight
    return step.arms[-1]
