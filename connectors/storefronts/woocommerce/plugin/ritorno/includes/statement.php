<?php
/**
 * What a person said in one of our forms, told once as the action `wc_ritorno_consent`.
 *
 * WooCommerce signs it and delivers it to the webhook of topic `action.wc_ritorno_consent`, which Ritorno made.
 * Nothing of it is kept here.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

/**
 * Remember in the shopper's session the texts that a form is showing.
 *
 * What counts later is the text that stood there, not the one of the moment at which the form came back.
 *
 * @param string $place checkout or account.
 */
function ritorno_remember_shown( $place ) {
	if ( WC()->session ) {
		WC()->session->set( 'ritorno_shown_' . $place, ritorno_wordings() );
	}
}

/**
 * The texts that a form showed.
 *
 * @param string $place checkout or account.
 * @return array Plain text by channel.
 */
function ritorno_shown( $place ) {
	$kept = WC()->session ? WC()->session->get( 'ritorno_shown_' . $place ) : null;
	return is_array( $kept ) ? $kept : ritorno_wordings();
}

/**
 * The consents in the boxes that were ticked. A box left empty says nothing.
 *
 * @param array  $ticked Channels.
 * @param string $place  checkout or account.
 * @return array Of channel, state and wording.
 */
function ritorno_consents( array $ticked, $place ) {
	$consents = array();
	foreach ( ritorno_shown( $place ) as $channel => $wording ) {
		if ( in_array( $channel, $ticked, true ) ) {
			$consents[] = array(
				'channel' => $channel,
				'state'   => 'subscribed',
				'wording' => $wording,
			);
		}
	}
	return $consents;
}

/**
 * Tell Ritorno what was said; nothing said, nothing told.
 *
 * @param string $place    checkout or account.
 * @param array  $who      customer_id, email, phone and order_id.
 * @param array  $consents As ritorno_consents gives them.
 * @param string $birthday YYYY-MM-DD or ''.
 */
function ritorno_tell( $place, array $who, array $consents, $birthday ) {
	if ( ! $consents && '' === $birthday ) {
		return;
	}
	$statement = array(
		'version'     => 1,
		'place'       => $place,
		'customer_id' => (int) $who['customer_id'],
		'order_id'    => (int) $who['order_id'],
		'email'       => sanitize_email( $who['email'] ),
		'phone'       => sanitize_text_field( $who['phone'] ),
		'locale'      => determine_locale(),
		'occurred_at' => gmdate( 'Y-m-d\TH:i:s\Z' ),
		'birthday'    => $birthday,
		'consents'    => $consents,
	);
	/**
	 * A person said something about marketing.
	 *
	 * @param array $statement What was said, by whom, where and when.
	 */
	do_action( 'wc_ritorno_consent', $statement );
}

/**
 * A birthday as YYYY-MM-DD.
 *
 * @param mixed $typed YYYY-MM-DD, DD/MM/YYYY, DD.MM.YYYY or DD-MM-YYYY.
 * @return string|null '' for nothing typed, null for what is no day of a living person.
 */
function ritorno_birthday( $typed ) {
	$text = is_string( $typed ) ? trim( $typed ) : '';
	if ( '' === $text ) {
		return '';
	}
	if ( preg_match( '/^(\d{4})-(\d{1,2})-(\d{1,2})$/', $text, $found ) ) {
		list( , $year, $month, $day ) = array_map( 'intval', $found );
	} elseif ( preg_match( '#^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$#', $text, $found ) ) {
		list( $day, $month, $year ) = array( (int) $found[1], (int) $found[3], (int) $found[4] );
	} else {
		return null;
	}
	$date = sprintf( '%04d-%02d-%02d', $year, $month, $day );
	return checkdate( $month, $day, $year ) && $year >= 1900 && $date <= gmdate( 'Y-m-d' ) ? $date : null;
}

/**
 * What is said of a birthday that is none.
 *
 * @return string
 */
function ritorno_birthday_error() {
	return __( 'Please write your birthday as day/month/year, or leave it empty.', 'ritorno' );
}
