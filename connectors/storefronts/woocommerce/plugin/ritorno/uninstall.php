<?php
/**
 * Nothing of ours stays in the options once the plugin is deleted.
 *
 * @package Ritorno
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'ritorno_settings' );
