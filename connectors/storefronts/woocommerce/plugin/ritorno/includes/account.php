<?php
/**
 * The same boxes on the account page, and one to stop.
 *
 * They are always shown empty: what a person agreed to is kept by Ritorno, which also hears of those who
 * unsubscribe in a mail; a tick shown from here could be old, and saving the page would bring it back to life.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

add_action( 'woocommerce_edit_account_form', 'ritorno_show_account_fields' );
add_action( 'woocommerce_save_account_details_errors', 'ritorno_validate_account' );
add_action( 'woocommerce_save_account_details', 'ritorno_account_saved' );

/**
 * Show the fields.
 */
function ritorno_show_account_fields() {
	$wordings = ritorno_wordings();
	$asks     = ritorno_settings()['ask_birthday'];
	if ( ! $wordings && ! $asks ) {
		return;
	}
	ritorno_remember_shown( 'account' );
	echo '<fieldset><legend>' . esc_html__( 'Offers and news', 'ritorno' ) . '</legend>';
	foreach ( $wordings as $channel => $wording ) {
		ritorno_show_box( "ritorno_$channel", $wording );
	}
	if ( $wordings ) {
		ritorno_show_box( 'ritorno_stop', ritorno_stop_wording() );
	}
	if ( $asks ) {
		$field = array(
			'type'         => 'date',
			'label'        => esc_html__( 'Birthday', 'ritorno' ),
			'autocomplete' => 'bday',
		);
		woocommerce_form_field( 'ritorno_birthday', $field, '' );
	}
	echo '</fieldset>';
}

/**
 * Refuse a birthday that is none.
 *
 * @param WP_Error $errors Where to say so.
 */
function ritorno_validate_account( $errors ) {
	$said = ritorno_said_on_account();
	if ( null !== $said && null === ritorno_birthday( $said['birthday'] ) ) {
		$errors->add( 'ritorno_birthday', ritorno_birthday_error() );
	}
}

/**
 * The account was saved. Who ticks a yes and the stop means the stop.
 *
 * @param int $account_id Whose.
 */
function ritorno_account_saved( $account_id ) {
	$said = ritorno_said_on_account();
	if ( null === $said ) {
		return;
	}
	$consents = ritorno_consents( $said['ticked'], 'account' );
	if ( $said['stops'] ) {
		$consents = array();
		foreach ( array( 'email', 'sms' ) as $channel ) {
			$consents[] = array(
				'channel' => $channel,
				'state'   => 'unsubscribed',
				'wording' => ritorno_stop_wording(),
			);
		}
	}
	$customer = new WC_Customer( $account_id );
	$who      = array(
		'customer_id' => $account_id,
		'order_id'    => 0,
		'email'       => $customer->get_email(),
		'phone'       => $customer->get_billing_phone(),
	);
	ritorno_tell( 'account', $who, $consents, (string) ritorno_birthday( $said['birthday'] ) );
}

/**
 * What was posted, if the form's own nonce is right.
 *
 * @return array|null ticked channels, stops, birthday.
 */
function ritorno_said_on_account() {
	$nonce = isset( $_POST['save-account-details-nonce'] ) ? sanitize_text_field( wp_unslash( $_POST['save-account-details-nonce'] ) ) : '';
	if ( ! wp_verify_nonce( $nonce, 'save_account_details' ) ) {
		return null;
	}
	$ticked = array();
	foreach ( array( 'email', 'sms' ) as $channel ) {
		if ( ! empty( $_POST[ "ritorno_$channel" ] ) ) {
			$ticked[] = $channel;
		}
	}
	return array(
		'ticked'   => $ticked,
		'stops'    => ! empty( $_POST['ritorno_stop'] ),
		'birthday' => isset( $_POST['ritorno_birthday'] ) ? sanitize_text_field( wp_unslash( $_POST['ritorno_birthday'] ) ) : '',
	);
}

/**
 * One box, empty.
 *
 * @param string $name  The field's name.
 * @param string $label Plain text.
 */
function ritorno_show_box( $name, $label ) {
	$field = array(
		'type'  => 'checkbox',
		'label' => esc_html( $label ),
	);
	woocommerce_form_field( $name, $field, 0 );
}

/**
 * The text beside the box that stops everything.
 *
 * @return string
 */
function ritorno_stop_wording() {
	return __( 'I no longer want to receive offers and news.', 'ritorno' );
}
