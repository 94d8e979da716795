<?php
/**
 * The boxes and the birthday in both checkouts. They are never ticked beforehand, and are kept on no account.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

// The block checkout.
add_action( 'woocommerce_init', 'ritorno_register_block_fields' );
add_action( 'woocommerce_blocks_checkout_enqueue_data', 'ritorno_checkout_is_shown' );
add_action( 'woocommerce_store_api_checkout_order_processed', 'ritorno_block_order_placed' );

// The classic checkout, the shortcode.
add_filter( 'woocommerce_checkout_fields', 'ritorno_add_classic_fields' );
add_filter( 'woocommerce_checkout_get_value', 'ritorno_never_prefill', 10, 2 );
add_action( 'woocommerce_before_checkout_form', 'ritorno_checkout_is_shown' );
add_action( 'woocommerce_after_checkout_validation', 'ritorno_validate_classic', 10, 2 );
add_action( 'woocommerce_checkout_order_processed', 'ritorno_classic_order_placed', 10, 3 );

/**
 * Add the fields to the block checkout. Place `order`: what an account keeps would come back ticked.
 */
function ritorno_register_block_fields() {
	if ( ! function_exists( 'woocommerce_register_additional_checkout_field' ) ) {
		return;
	}
	foreach ( ritorno_wordings() as $channel => $wording ) {
		woocommerce_register_additional_checkout_field(
			array(
				'id'            => "ritorno/$channel-consent",
				'label'         => $wording,
				'optionalLabel' => $wording,
				'location'      => 'order',
				'type'          => 'checkbox',
				'required'      => false,
			)
		);
	}
	if ( ritorno_settings()['ask_birthday'] ) {
		woocommerce_register_additional_checkout_field(
			array(
				'id'                => 'ritorno/birthday',
				'label'             => __( 'Birthday (day/month/year)', 'ritorno' ),
				'location'          => 'order',
				'type'              => 'text',
				'required'          => false,
				'attributes'        => array(
					'autocomplete' => 'bday',
					'maxLength'    => '10',
				),
				'sanitize_callback' => 'sanitize_text_field',
				'validate_callback' => 'ritorno_validate_block_birthday',
			)
		);
	}
}

/**
 * What is wrong with a birthday typed into the block checkout.
 *
 * @param mixed $typed As typed.
 * @return WP_Error|null
 */
function ritorno_validate_block_birthday( $typed ) {
	return null === ritorno_birthday( $typed ) ? new WP_Error( 'ritorno_birthday', ritorno_birthday_error() ) : null;
}

/**
 * Remember what the checkout shows.
 */
function ritorno_checkout_is_shown() {
	ritorno_remember_shown( 'checkout' );
}

/**
 * An order was placed in the block checkout; WooCommerce kept the fields on it.
 *
 * @param WC_Order $order The order.
 */
function ritorno_block_order_placed( $order ) {
	$ticked = array();
	foreach ( array( 'email', 'sms' ) as $channel ) {
		if ( '1' === (string) $order->get_meta( "_wc_other/ritorno/$channel-consent" ) ) {
			$ticked[] = $channel;
		}
	}
	ritorno_order_placed( $order, $ticked, $order->get_meta( '_wc_other/ritorno/birthday' ) );
}

/**
 * Add the fields to the classic checkout.
 *
 * @param array $fields By section.
 * @return array
 */
function ritorno_add_classic_fields( $fields ) {
	$place = 200;
	foreach ( ritorno_wordings() as $channel => $wording ) {
		$fields['order'][ "ritorno_$channel" ] = array(
			'type'     => 'checkbox',
			'label'    => esc_html( $wording ),
			'required' => false,
			'default'  => 0,
			'priority' => $place++,
		);
	}
	if ( ritorno_settings()['ask_birthday'] ) {
		$fields['order']['ritorno_birthday'] = array(
			'type'         => 'date',
			'label'        => __( 'Birthday', 'ritorno' ),
			'required'     => false,
			'autocomplete' => 'bday',
			'priority'     => $place,
		);
	}
	return $fields;
}

/**
 * No box of ours is ticked but by the shopper, whatever an account or another plugin keeps under its name.
 *
 * @param mixed  $value What WooCommerce would fill in.
 * @param string $name  The field's name.
 * @return mixed
 */
function ritorno_never_prefill( $value, $name ) {
	return in_array( $name, array( 'ritorno_email', 'ritorno_sms' ), true ) ? 0 : $value;
}

/**
 * Refuse a birthday that is none.
 *
 * @param array    $posted As WooCommerce cleaned it, after it checked its nonce.
 * @param WP_Error $errors Where to say so.
 */
function ritorno_validate_classic( $posted, $errors ) {
	if ( null === ritorno_birthday( $posted['ritorno_birthday'] ?? '' ) ) {
		$errors->add( 'ritorno_birthday', ritorno_birthday_error() );
	}
}

/**
 * An order was placed in the classic checkout.
 *
 * @param int      $order_id Its number.
 * @param array    $posted   As WooCommerce cleaned it, after it checked its nonce.
 * @param WC_Order $order    The order.
 */
function ritorno_classic_order_placed( $order_id, $posted, $order ) {
	$ticked = array();
	foreach ( array( 'email', 'sms' ) as $channel ) {
		if ( ! empty( $posted[ "ritorno_$channel" ] ) ) {
			$ticked[] = $channel;
		}
	}
	ritorno_order_placed( $order, $ticked, $posted['ritorno_birthday'] ?? '' );
}

/**
 * Tell what was said with an order.
 *
 * @param WC_Order $order    The order.
 * @param array    $ticked   Channels.
 * @param mixed    $birthday As typed.
 */
function ritorno_order_placed( $order, array $ticked, $birthday ) {
	$who = array(
		'customer_id' => $order->get_customer_id(),
		'order_id'    => $order->get_id(),
		'email'       => $order->get_billing_email(),
		'phone'       => $order->get_billing_phone(),
	);
	ritorno_tell( 'checkout', $who, ritorno_consents( $ticked, 'checkout' ), (string) ritorno_birthday( $birthday ) );
}
