<?php
/**
 * The little of WordPress and WooCommerce that the plugin touches, written from their documents.
 *
 * Hooks run in the order of their priority; options, the session and what was printed are plain variables. What
 * ends a request in WordPress (a redirect, wp_die) ends the scenario here.
 */

error_reporting( E_ALL );
set_error_handler(
	static function ( $level, $message, $file, $line ) {
		throw new ErrorException( $message, 0, $level, $file, $line );
	}
);

define( 'ABSPATH', __DIR__ . '/' );

class Ended extends Exception {}

final class World {
	public static $hooks   = array();
	public static $options = array();
	public static $fields  = array();
	public static $texts   = array();
	public static $locale  = 'en_US';
	public static $may     = true;
	public static $menu    = array();
	public static $customer;
	public static $session;
}

class Session {
	private $kept = array();
	public function set( $name, $value ) {
		$this->kept[ $name ] = $value;
	}
	public function get( $name ) {
		return $this->kept[ $name ] ?? null;
	}
}

class WP_Error {
	public $messages = array();
	public function __construct( $code = '', $message = '' ) {
		if ( '' !== $code ) {
			$this->add( $code, $message );
		}
	}
	public function add( $code, $message ) {
		$this->messages[ $code ] = $message;
	}
}

class WC_Customer {
	public function __construct( $id ) {
		World::$customer['id'] = $id;
	}
	public function get_email() {
		return World::$customer['email'];
	}
	public function get_billing_phone() {
		return World::$customer['phone'];
	}
}

class WC_Order {
	private $values;
	public function __construct( array $values ) {
		$this->values = $values;
	}
	public function get_id() {
		return $this->values['id'];
	}
	public function get_customer_id() {
		return $this->values['customer_id'];
	}
	public function get_billing_email() {
		return $this->values['email'];
	}
	public function get_billing_phone() {
		return $this->values['phone'];
	}
	public function get_meta( $key ) {
		return $this->values['meta'][ $key ] ?? '';
	}
}

function WC() {
	return (object) array( 'session' => World::$session );
}

// --- hooks ---

function add_filter( $hook, $callback, $priority = 10, $accepted = 1 ) {
	World::$hooks[ $hook ][ $priority ][] = array( $callback, $accepted );
}
function add_action( $hook, $callback, $priority = 10, $accepted = 1 ) {
	add_filter( $hook, $callback, $priority, $accepted );
}
function apply_filters( $hook, $value, ...$more ) {
	$by_priority = World::$hooks[ $hook ] ?? array();
	ksort( $by_priority );
	foreach ( array_merge( array(), ...array_values( $by_priority ) ) as list( $callback, $accepted ) ) {
		$value = $callback( ...array_slice( array( $value, ...$more ), 0, $accepted ) );
	}
	return $value;
}
function do_action( $hook, ...$given ) {
	$by_priority = World::$hooks[ $hook ] ?? array();
	ksort( $by_priority );
	foreach ( array_merge( array(), ...array_values( $by_priority ) ) as list( $callback, $accepted ) ) {
		$callback( ...array_slice( $given, 0, $accepted ) );
	}
}

// --- options, texts, addresses ---

if ( ! function_exists( 'mb_substr' ) ) {
	// WordPress brings it along, too, where PHP does not.
	function mb_substr( $text, $start, $length ) {
		preg_match_all( '/./us', $text, $letters );
		return implode( '', array_slice( $letters[0], $start, $length ) );
	}
}

function get_option( $name, $default = false ) {
	return World::$options[ $name ] ?? $default;
}
function update_option( $name, $value ) {
	World::$options[ $name ] = $value;
}
function delete_option( $name ) {
	unset( World::$options[ $name ] );
}
function get_bloginfo( $what ) {
	return 'Bottega d&#039;Angelo';
}
function wp_specialchars_decode( $text, $style = ENT_NOQUOTES ) {
	return html_entity_decode( $text, $style );
}
function __( $text, $domain ) {
	return World::$texts[ $text ] ?? $text;
}
function esc_html( $text ) {
	return htmlspecialchars( $text, ENT_QUOTES );
}
function esc_attr( $text ) {
	return htmlspecialchars( $text, ENT_QUOTES );
}
function esc_html__( $text, $domain ) {
	return esc_html( __( $text, $domain ) );
}
function esc_url( $url ) {
	return htmlspecialchars( $url, ENT_QUOTES );
}
function esc_url_raw( $url, $protocols = null ) {
	$scheme = parse_url( $url, PHP_URL_SCHEME );
	return null === $protocols || in_array( $scheme, $protocols, true ) ? $url : '';
}
function wp_parse_url( $url ) {
	return parse_url( $url );
}
function untrailingslashit( $text ) {
	return rtrim( $text, '/\\' );
}
function sanitize_text_field( $text ) {
	return trim( preg_replace( '/[\r\n\t ]+/', ' ', strip_tags( $text ) ) );
}
function sanitize_email( $text ) {
	return filter_var( trim( $text ), FILTER_VALIDATE_EMAIL ) ? trim( $text ) : '';
}
function wp_unslash( $value ) {
	return is_array( $value ) ? array_map( 'wp_unslash', $value ) : stripslashes( $value );
}
function determine_locale() {
	return World::$locale;
}
function load_plugin_textdomain( $domain, $deprecated, $path ) {}
function plugin_basename( $file ) {
	return basename( dirname( $file ) ) . '/' . basename( $file );
}
function home_url() {
	return 'https://bottega.example/negozio';
}
function admin_url( $path ) {
	return 'https://bottega.example/wp-admin/' . $path;
}
function add_query_arg( $name, $value, $url ) {
	return $url . ( false === strpos( $url, '?' ) ? '?' : '&' ) . $name . '=' . $value;
}

// --- who may, and what ends a request ---

function current_user_can( $capability ) {
	return World::$may && 'manage_woocommerce' === $capability;
}
function wp_verify_nonce( $nonce, $action ) {
	return "nonce of $action" === $nonce ? 1 : false;
}
function check_admin_referer( $action ) {
	if ( ! wp_verify_nonce( $_POST['_wpnonce'] ?? '', $action ) ) {
		throw new Ended( 'expired' );
	}
}
function wp_nonce_field( $action ) {
	echo '<input type="hidden" name="_wpnonce" value="nonce of ' . esc_attr( $action ) . '">';
}
function wp_die( $message, $title = '', $arguments = array() ) {
	throw new Ended( "died $message" );
}
function wp_redirect( $url ) {
	throw new Ended( "to $url" );
}
function wp_safe_redirect( $url ) {
	throw new Ended( "to $url" );
}

// --- forms and pages ---

function add_submenu_page( $parent, $title, $menu, $capability, $slug, $show ) {
	World::$menu[] = array( $parent, $capability, $slug, $show );
}
function wp_add_privacy_policy_content( $name, $text ) {
	echo $text;
}
function submit_button( $text = 'Save Changes', $type = 'primary', $name = 'submit' ) {
	echo '<input type="submit" name="' . esc_attr( $name ) . '" value="' . esc_attr( $text ) . '">';
}
function checked( $is, $wanted, $echo ) {
	return $is === $wanted ? " checked='checked'" : '';
}
function woocommerce_form_field( $name, $field, $value ) {
	$is_box = 'checkbox' === $field['type'];
	$ticked = $is_box && $value ? ' checked' : '';
	$filled = $is_box ? '1' : esc_attr( (string) $value );
	echo "<label>{$field['label']}<input name=\"$name\" type=\"{$field['type']}\" value=\"$filled\"$ticked></label>";
}
function woocommerce_register_additional_checkout_field( $field ) {
	World::$fields[ $field['id'] ] = $field;
}
