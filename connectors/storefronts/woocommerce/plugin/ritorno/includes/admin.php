<?php
/**
 * The page WooCommerce > Ritorno: the button that connects the shop, and what is asked of shoppers.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

const RITORNO_CAPABILITY = 'manage_woocommerce';

add_action( 'admin_menu', 'ritorno_add_page' );
add_action( 'admin_init', 'ritorno_suggest_privacy_text' );
add_action( 'admin_post_ritorno_connect', 'ritorno_connect' );
add_action( 'admin_post_ritorno_save', 'ritorno_save' );

/**
 * Add the page to the menu.
 */
function ritorno_add_page() {
	add_submenu_page( 'woocommerce', 'Ritorno', 'Ritorno', RITORNO_CAPABILITY, 'ritorno', 'ritorno_show_page' );
}

/**
 * Suggest a paragraph for the shop's privacy policy.
 */
function ritorno_suggest_privacy_text() {
	if ( function_exists( 'wp_add_privacy_policy_content' ) ) {
		$text = __( 'If you tick a box for offers and news, or tell us your birthday, at checkout or in your account, we pass on to Ritorno, which sends our messages: your e-mail address, your phone number, your language, what you agreed to in the words that you saw, and when.', 'ritorno' );
		wp_add_privacy_policy_content( 'Ritorno', '<p>' . esc_html( $text ) . '</p>' );
	}
}

/**
 * Send the merchant to Ritorno, with the shop's address filled in.
 */
function ritorno_connect() {
	ritorno_require_merchant( 'ritorno_connect' );
	$server = ritorno_server();
	$there  = add_query_arg( 'store', rawurlencode( home_url() ), $server . '/app/' );
	// The address is the operator's or the merchant's own, and https; it is no host of this site.
	wp_redirect( '' !== $server ? $there : ritorno_page_url() ); // phpcs:ignore WordPress.Security.SafeRedirect.wp_redirect_wp_redirect
	exit;
}

/**
 * Keep the settings.
 */
function ritorno_save() {
	ritorno_require_merchant( 'ritorno_save' );
	// The nonce was checked above; ritorno_clean_settings cleans each field.
	$given = isset( $_POST['ritorno'] ) && is_array( $_POST['ritorno'] ) ? wp_unslash( $_POST['ritorno'] ) : array(); // phpcs:ignore WordPress.Security.NonceVerification.Missing, WordPress.Security.ValidatedSanitizedInput.InputNotSanitized
	// A box that is not ticked is not posted.
	$given['ask_email'] = ! empty( $given['ask_email'] );
	update_option( RITORNO_OPTION, ritorno_clean_settings( $given ) );
	wp_safe_redirect( add_query_arg( 'saved', '1', ritorno_page_url() ) );
	exit;
}

/**
 * Show the page.
 */
function ritorno_show_page() {
	if ( ! current_user_can( RITORNO_CAPABILITY ) ) {
		return;
	}
	$settings = ritorno_settings();
	echo '<div class="wrap"><h1>Ritorno</h1>';
	ritorno_show_connect();
	echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '">';
	echo '<input type="hidden" name="action" value="ritorno_save">';
	wp_nonce_field( 'ritorno_save' );
	echo '<table class="form-table" role="presentation">';
	ritorno_show_text( 'server', 'url', __( 'Address of Ritorno', 'ritorno' ), ritorno_server(), __( 'It begins with https.', 'ritorno' ) );
	ritorno_show_choice( 'ask_email', __( 'Ask for e-mail consent', 'ritorno' ), $settings['ask_email'] );
	ritorno_show_text( 'email_wording', 'text', __( 'Wording for e-mail', 'ritorno' ), $settings['email_wording'], __( 'Empty: our own text, in the language of the page.', 'ritorno' ) );
	ritorno_show_choice( 'ask_sms', __( 'Ask for consent to text messages', 'ritorno' ), $settings['ask_sms'] );
	ritorno_show_text( 'sms_wording', 'text', __( 'Wording for text messages', 'ritorno' ), $settings['sms_wording'], __( 'Empty: our own text, in the language of the page.', 'ritorno' ) );
	ritorno_show_choice( 'ask_birthday', __( 'Ask for the birthday', 'ritorno' ), $settings['ask_birthday'] );
	echo '</table>';
	submit_button();
	echo '</form></div>';
}

/**
 * The button that connects the shop.
 */
function ritorno_show_connect() {
	if ( '' === ritorno_server() ) {
		echo '<p>' . esc_html__( 'First save the address of Ritorno; then the shop can be connected.', 'ritorno' ) . '</p>';
		return;
	}
	echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '">';
	echo '<input type="hidden" name="action" value="ritorno_connect">';
	wp_nonce_field( 'ritorno_connect' );
	submit_button( __( 'Connect this shop to Ritorno', 'ritorno' ), 'primary', 'connect' );
	echo '</form>';
}

/**
 * Stop whoever may not, or did not come from our page.
 *
 * @param string $action What the nonce is for.
 */
function ritorno_require_merchant( $action ) {
	if ( ! current_user_can( RITORNO_CAPABILITY ) ) {
		wp_die( esc_html__( 'You may not do this.', 'ritorno' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( $action );
}

/**
 * Our page's address.
 *
 * @return string
 */
function ritorno_page_url() {
	return admin_url( 'admin.php?page=ritorno' );
}

/**
 * A row with a line of text.
 *
 * @param string $name  The setting.
 * @param string $type  Of the input.
 * @param string $label Plain text.
 * @param string $value Plain text.
 * @param string $help  Plain text.
 */
function ritorno_show_text( $name, $type, $label, $value, $help ) {
	printf(
		'<tr><th scope="row"><label for="ritorno-%1$s">%2$s</label></th><td><input class="large-text" id="ritorno-%1$s" name="ritorno[%1$s]" type="%3$s" value="%4$s" maxlength="%5$d"><p class="description">%6$s</p></td></tr>',
		esc_attr( $name ),
		esc_html( $label ),
		esc_attr( $type ),
		esc_attr( $value ),
		(int) RITORNO_LONGEST_WORDING,
		esc_html( $help )
	);
}

/**
 * A row with a box.
 *
 * @param string $name  The setting.
 * @param string $label Plain text.
 * @param bool   $is_on Whether it is ticked.
 */
function ritorno_show_choice( $name, $label, $is_on ) {
	printf(
		'<tr><th scope="row">%2$s</th><td><input id="ritorno-%1$s" name="ritorno[%1$s]" type="checkbox" value="1"%3$s aria-label="%2$s"></td></tr>',
		esc_attr( $name ),
		esc_html( $label ),
		checked( $is_on, true, false ) // phpcs:ignore WordPress.Security.EscapeOutput.OutputNotEscaped
	);
}
