<?php
/**
 * Runs the plugin through one scenario: what the test asks comes as JSON, what happened goes back as JSON.
 *
 * Asked: `plugin` (its folder), `steps` (a list of [what, with what]) and `options`, `locale`, `texts`, `may`.
 * Told: `bodies` (of the deliveries that WooCommerce would make, byte for byte), `printed`, `ended`, `errors`,
 * `options`, `fields`, `menu`.
 */

require __DIR__ . '/wordpress.php';

$asked          = json_decode( stream_get_contents( STDIN ), true );
World::$options = $asked['options'];
World::$locale  = $asked['locale'];
World::$texts   = $asked['texts'];
World::$may     = $asked['may'];
World::$session = new Session();

$bodies = array();
$errors = new WP_Error();
$ended  = null;

// What WC_Webhook does for a topic `action.<hook>`: the first argument, as JSON, once it went through the queue.
add_action(
	'wc_ritorno_consent',
	static function ( $argument ) use ( &$bodies ) {
		$queued   = json_decode( json_encode( array( 'webhook_id' => 1, 'arg' => $argument ) ), true );
		$bodies[] = json_encode( array( 'action' => 'wc_ritorno_consent', 'arg' => $queued['arg'] ) );
	}
);

require $asked['plugin'] . '/ritorno.php';
do_action( 'before_woocommerce_init' );
do_action( 'init' );
do_action( 'woocommerce_init' );

/** The classic checkout: its fields are shown, then what was posted comes back cleaned as WC_Checkout cleans it. */
function classic_checkout( array $posted, array $order, WP_Error $errors ) {
	$fields = apply_filters( 'woocommerce_checkout_fields', array( 'order' => array() ) );
	do_action( 'woocommerce_before_checkout_form' );
	foreach ( $fields['order'] as $name => $field ) {
		// An account that keeps a value under the field's name, as a careless plugin might.
		woocommerce_form_field( $name, $field, apply_filters( 'woocommerce_checkout_get_value', '1', $name ) );
	}
	$cleaned = array();
	foreach ( $fields['order'] as $name => $field ) {
		$typed            = $posted[ $name ] ?? '';
		$cleaned[ $name ] = 'checkbox' === $field['type'] ? ( isset( $posted[ $name ] ) ? 1 : '' ) : sanitize_text_field( $typed );
	}
	do_action( 'woocommerce_after_checkout_validation', $cleaned, $errors );
	if ( ! $errors->messages ) {
		do_action( 'woocommerce_checkout_order_processed', $order['id'], $cleaned, new WC_Order( $order ) );
	}
}

/** The block checkout: what was typed is validated, then kept on the order as WooCommerce keeps it. */
function block_checkout( array $typed, array $order, WP_Error $errors ) {
	do_action( 'woocommerce_blocks_checkout_enqueue_data' );
	$meta = array();
	foreach ( World::$fields as $id => $field ) {
		$value = $typed[ $id ] ?? '';
		$wrong = isset( $field['validate_callback'] ) ? $field['validate_callback']( $value ) : null;
		if ( $wrong instanceof WP_Error ) {
			$errors->messages += $wrong->messages;
		}
		$meta[ "_wc_other/$id" ] = 'checkbox' === $field['type'] ? ( $value ? '1' : '0' ) : $value;
	}
	if ( ! $errors->messages ) {
		do_action( 'woocommerce_store_api_checkout_order_processed', new WC_Order( array( 'meta' => $meta ) + $order ) );
	}
}

/** The account page: shown, validated and saved. */
function account( array $posted, array $customer, WP_Error $errors ) {
	World::$customer = $customer;
	do_action( 'woocommerce_edit_account_form' );
	$_POST = $posted;
	do_action( 'woocommerce_save_account_details_errors', $errors );
	if ( ! $errors->messages ) {
		do_action( 'woocommerce_save_account_details', $customer['id'] );
	}
}

ob_start();
try {
	foreach ( $asked['steps'] as list( $step, $with ) ) {
		switch ( $step ) {
			case 'classic':
			case 'block':
				( "{$step}_checkout" )( $with['typed'], $with['order'], $errors );
				break;
			case 'account':
				account( $with['typed'], $with['customer'], $errors );
				break;
			case 'shown':
				do_action( 'woocommerce_before_checkout_form' );
				break;
			case 'placed':
				do_action( 'woocommerce_checkout_order_processed', 1, $with['typed'], new WC_Order( $with['order'] ) );
				break;
			case 'options':
				World::$options = $with;
				break;
			case 'post':
				$_POST = $with['posted'];
				do_action( 'admin_post_' . $with['action'] );
				break;
			case 'page':
				do_action( 'admin_menu' );
				( World::$menu[0][3] )();
				break;
			case 'uninstall':
				define( 'WP_UNINSTALL_PLUGIN', 'ritorno/ritorno.php' );
				require $asked['plugin'] . '/uninstall.php';
				break;
		}
	}
} catch ( Ended $end ) {
	$ended = $end->getMessage();
}

echo json_encode(
	array(
		'printed' => ob_get_clean(),
		'bodies'  => $bodies,
		'ended'   => $ended,
		'errors'  => $errors->messages,
		'options' => World::$options,
		'fields'  => World::$fields,
		'menu'    => World::$menu,
	)
);
