<?php
/** Leave nothing behind: the settings are all that this plugin stores. */

if ( ! defined( 'WP_UNINSTALL_PLUGIN' ) ) {
	exit;
}

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $site ) {
		delete_blog_option( $site, 'ece_widget' );
	}
} else {
	delete_option( 'ece_widget' );
}
