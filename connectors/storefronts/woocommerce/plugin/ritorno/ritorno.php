<?php
/**
 * Plugin Name:          Ritorno for WooCommerce
 * Description:          Asks for marketing consents and birthdays at checkout and in the account, and tells Ritorno of them with the wording that was shown.
 * Version:              0.1.0
 * Requires at least:    6.2
 * Requires PHP:         7.4
 * Requires Plugins:     woocommerce
 * WC requires at least: 8.9
 * License:              GPL-2.0-or-later
 * License URI:          https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:          ritorno
 * Domain Path:          /languages
 *
 * Copyright (C) 2026 the authors of Ritorno
 *
 * This program is free software; you can redistribute it and/or modify it under the terms of the GNU General
 * Public License as published by the Free Software Foundation; either version 2 of the License, or (at your
 * option) any later version. It comes WITHOUT ANY WARRANTY; see license.txt.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

require_once __DIR__ . '/includes/settings.php';
require_once __DIR__ . '/includes/statement.php';
require_once __DIR__ . '/includes/checkout.php';
require_once __DIR__ . '/includes/account.php';
require_once __DIR__ . '/includes/admin.php';

// Before WooCommerce begins, which is when the fields of the block checkout are named.
add_action( 'init', 'ritorno_load_texts', -10 );
add_action( 'before_woocommerce_init', 'ritorno_declare_compatibility' );

/**
 * Load the translations that come with the plugin.
 */
function ritorno_load_texts() {
	load_plugin_textdomain( 'ritorno', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
}

/**
 * Tell WooCommerce that order tables of its own and the block checkout are fine with us.
 */
function ritorno_declare_compatibility() {
	if ( class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
		foreach ( array( 'custom_order_tables', 'cart_checkout_blocks' ) as $feature ) {
			\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( $feature, __FILE__, true );
		}
	}
}
