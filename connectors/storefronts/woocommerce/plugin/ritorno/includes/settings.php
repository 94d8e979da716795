<?php
/**
 * What the merchant chose: one option, read and cleaned in one place.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

const RITORNO_OPTION = 'ritorno_settings';
// WooCommerce's queue refuses a delivery of more than 8,000 bytes of JSON, in which a letter can be 6 bytes.
const RITORNO_LONGEST_WORDING = 500;

/**
 * The settings, complete.
 *
 * @return array server, ask_email, ask_sms, ask_birthday, email_wording, sms_wording.
 */
function ritorno_settings() {
	$kept = get_option( RITORNO_OPTION, array() );
	return ritorno_clean_settings( is_array( $kept ) ? $kept : array() );
}

/**
 * Settings in which only what is known and safe is left.
 *
 * @param array $given As typed or as kept.
 * @return array
 */
function ritorno_clean_settings( array $given ) {
	$given = array_merge( array( 'ask_email' => true ), $given );
	return array(
		'server'        => ritorno_clean_server( $given['server'] ?? '' ),
		'ask_email'     => ! empty( $given['ask_email'] ),
		'ask_sms'       => ! empty( $given['ask_sms'] ),
		'ask_birthday'  => ! empty( $given['ask_birthday'] ),
		'email_wording' => ritorno_clean_wording( $given['email_wording'] ?? '' ),
		'sms_wording'   => ritorno_clean_wording( $given['sms_wording'] ?? '' ),
	);
}

/**
 * Where Ritorno is: built into the plugin, else as the merchant typed it.
 *
 * @return string An https address without a slash at its end, or ''.
 */
function ritorno_server() {
	$built_in = ritorno_clean_server( require dirname( __DIR__ ) . '/server.php' );
	return '' !== $built_in ? $built_in : ritorno_settings()['server'];
}

/**
 * The channels that are asked for, with the text that stands beside each box.
 *
 * @return array Plain text by channel.
 */
function ritorno_wordings() {
	$settings = ritorno_settings();
	$shop     = wp_specialchars_decode( get_bloginfo( 'name' ), ENT_QUOTES );
	$wordings = array();
	if ( $settings['ask_email'] ) {
		$wordings['email'] = '' !== $settings['email_wording']
			? $settings['email_wording']
			/* translators: %s: name of the shop. */
			: sprintf( __( 'I would like to receive offers and news from %s by e-mail. I can take this back at any time.', 'ritorno' ), $shop );
	}
	if ( $settings['ask_sms'] ) {
		$wordings['sms'] = '' !== $settings['sms_wording']
			? $settings['sms_wording']
			/* translators: %s: name of the shop. */
			: sprintf( __( 'I would like to receive offers and news from %s by text message. I can take this back at any time.', 'ritorno' ), $shop );
	}
	return $wordings;
}

/**
 * One paragraph of plain text.
 *
 * @param mixed $text As typed.
 * @return string
 */
function ritorno_clean_wording( $text ) {
	return is_string( $text ) ? mb_substr( sanitize_text_field( $text ), 0, RITORNO_LONGEST_WORDING ) : '';
}

/**
 * An https address, or '' for anything else.
 *
 * @param mixed $address As typed.
 * @return string
 */
function ritorno_clean_server( $address ) {
	$url   = is_string( $address ) ? esc_url_raw( trim( $address ), array( 'https' ) ) : '';
	$parts = wp_parse_url( $url );
	if ( empty( $parts['host'] ) || 'https' !== ( $parts['scheme'] ?? '' ) ) {
		return '';
	}
	$port = isset( $parts['port'] ) ? ':' . (int) $parts['port'] : '';
	return 'https://' . $parts['host'] . $port . untrailingslashit( $parts['path'] ?? '' );
}
