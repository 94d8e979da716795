"""The tables, a file per noun. Nothing but columns lives here."""

from app.models.access_entry import AccessEntry
from app.models.api_key import ApiKey
from app.models.attribution import Attribution
from app.models.audit_entry import AuditEntry
from app.models.checkout import Checkout
from app.models.chore import Chore
from app.models.confirmation import Confirmation
from app.models.consent import Consent, ConsentState
from app.models.customer import Customer
from app.models.customer_event import CustomerEvent
from app.models.customer_state import CustomerState
from app.models.day import FlowDay, StoreDay
from app.models.decision import Decision
from app.models.enrollment import Enrollment
from app.models.flow import Flow, FlowSwitch, FlowVersion
from app.models.flow_draft import FlowDraft
from app.models.flow_effect import FlowEffect
from app.models.flow_funnel import FlowFunnel
from app.models.flow_tally import FlowTally
from app.models.heartbeat import Heartbeat
from app.models.inbound_event import InboundBody, InboundEvent
from app.models.install_attempt import InstallAttempt
from app.models.job_run import JobRun, ScheduledJob
from app.models.list_import import ListImport
from app.models.machine_start import MachineStart
from app.models.member import Member, MemberLetter, Membership, RecoveryCode
from app.models.merge import CustomerMerge
from app.models.message import DeliveryEvent, Message, MessageAttempt
from app.models.notice import Notice
from app.models.order import Fulfillment, Order, OrderLine, Refund
from app.models.preference import Preference
from app.models.privacy_request import ErasedIdentity, PrivacyRequest
from app.models.product import Product, ProductCount, ProductPair, ProductVariant
from app.models.product_rhythm import ProductRhythm
from app.models.rehearsal import Rehearsal
from app.models.restore import Restore
from app.models.review import Review
from app.models.rhythm import Rhythm
from app.models.score_entry import ScoreEntry
from app.models.sender import Sender, SenderDay, SenderDomain
from app.models.set_aside import SetAside
from app.models.sign_in import MemberSession, SignInAttempt, SignInLink
from app.models.store import Backfill, Reconciliation, Store
from app.models.store_write import StoreWrite
from app.models.suppression import Suppression
from app.models.template import Edition
from app.models.text_cost import TextCost
from app.models.ticket_band import TicketBand
from app.models.timer import Timer, TimerCursor
from app.models.trial import Trial
from app.models.voucher import Voucher

__all__ = [
    "AccessEntry",
    "ApiKey",
    "Attribution",
    "AuditEntry",
    "Backfill",
    "Checkout",
    "Chore",
    "Confirmation",
    "Consent",
    "ConsentState",
    "Customer",
    "CustomerEvent",
    "CustomerMerge",
    "CustomerState",
    "Decision",
    "DeliveryEvent",
    "Edition",
    "Enrollment",
    "ErasedIdentity",
    "Flow",
    "FlowDay",
    "FlowDraft",
    "FlowEffect",
    "FlowFunnel",
    "FlowSwitch",
    "FlowTally",
    "FlowVersion",
    "Fulfillment",
    "Heartbeat",
    "InboundBody",
    "InboundEvent",
    "InstallAttempt",
    "JobRun",
    "ListImport",
    "MachineStart",
    "Member",
    "MemberLetter",
    "MemberSession",
    "Membership",
    "Message",
    "MessageAttempt",
    "Notice",
    "Order",
    "OrderLine",
    "Preference",
    "PrivacyRequest",
    "Product",
    "ProductCount",
    "ProductPair",
    "ProductRhythm",
    "ProductVariant",
    "Reconciliation",
    "RecoveryCode",
    "Refund",
    "Rehearsal",
    "Restore",
    "Review",
    "Rhythm",
    "ScheduledJob",
    "ScoreEntry",
    "Sender",
    "SenderDay",
    "SenderDomain",
    "SetAside",
    "SignInAttempt",
    "SignInLink",
    "Store",
    "StoreDay",
    "StoreWrite",
    "Suppression",
    "TextCost",
    "TicketBand",
    "Timer",
    "TimerCursor",
    "Trial",
    "Voucher",
]
