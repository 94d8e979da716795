<?php
/**
 * The address of the Ritorno server, written by whoever builds the plugin; empty: the merchant types it.
 *
 * @package Ritorno
 */

defined( 'ABSPATH' ) || exit;

return '';
