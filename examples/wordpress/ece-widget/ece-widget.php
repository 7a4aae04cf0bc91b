<?php
/**
 * Plugin Name:       ECE Widget
 * Description:       The chat button of your own ECE Widget server, on every page or on those that you choose.
 * Version:           1.0.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * License:           Apache-2.0
 * Text Domain:       ece-widget
 * Domain Path:       /languages
 *
 * Visitors' browsers load one script from the server that is named in the settings. This plugin itself calls nobody.
 */

namespace ECEWidget;

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

const OPTION = 'ece_widget';
const NAME   = '/^[a-z0-9][a-z0-9_-]{0,63}$/';

add_action( 'init', __NAMESPACE__ . '\\register' );
add_action( 'wp_footer', __NAMESPACE__ . '\\print_tag' );
add_action( 'admin_menu', __NAMESPACE__ . '\\add_page' );
add_action( 'admin_init', __NAMESPACE__ . '\\register_settings' );
add_filter( 'plugin_action_links_' . plugin_basename( __FILE__ ), __NAMESPACE__ . '\\add_link' );

/** Return the settings, with what is missing as an empty text or list. */
function settings() {
	$defaults = array(
		'address'     => '',
		'entry_point' => '',
		'theme'       => '',
		'rules'       => array(),
	);
	return array_intersect_key( (array) get_option( OPTION, array() ), $defaults ) + $defaults;
}

/** Register texts, the shortcode and the block. */
function register() {
	load_plugin_textdomain( 'ece-widget', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
	add_shortcode( 'ece_chat', __NAMESPACE__ . '\\shortcode' );
	wp_register_script(
		'ece-widget-block',
		plugins_url( 'block.js', __FILE__ ),
		array( 'wp-blocks', 'wp-element', 'wp-block-editor', 'wp-components' ),
		'1.0.0',
		true
	);
	wp_localize_script(
		'ece-widget-block',
		'eceWidgetBlock',
		array(
			'title'      => __( 'Chat button', 'ece-widget' ),
			'entryPoint' => __( 'Entry point', 'ece-widget' ),
			'theme'      => __( 'Theme', 'ece-widget' ),
			'empty'      => __( 'Leave it empty for the one of the settings.', 'ece-widget' ),
			'shown'      => __( 'The chat button stands here while chat is open.', 'ece-widget' ),
		)
	);
	register_block_type(
		'ece-widget/chat',
		array(
			'api_version'     => 2,
			'editor_script'   => 'ece-widget-block',
			'attributes'      => array(
				'entryPoint' => array(
					'type'    => 'string',
					'default' => '',
				),
				'theme'      => array(
					'type'    => 'string',
					'default' => '',
				),
			),
			'render_callback' => function ( $attributes ) {
				return element( $attributes['entryPoint'], $attributes['theme'] );
			},
		)
	);
}

/** Return `<ece-chat>` for [ece_chat entry_point="…" theme="…"]. */
function shortcode( $given ) {
	$given = shortcode_atts(
		array(
			'entry_point' => '',
			'theme'       => '',
		),
		$given,
		'ece_chat'
	);
	return element( $given['entry_point'], $given['theme'] );
}

/** Return a launcher that stands where it is written, or nothing while the settings name no server. */
function element( $entry_point, $theme ) {
	$settings    = settings();
	$entry_point = $entry_point ? $entry_point : $settings['entry_point'];
	$theme       = $theme ? $theme : $settings['theme'];
	if ( ! $settings['address'] || ! preg_match( NAME, $entry_point ) ) {
		return '';
	}
	needs_script( true );
	return sprintf(
		'<ece-chat entry-point="%s"%s></ece-chat>',
		esc_attr( $entry_point ),
		$theme ? ' theme="' . esc_attr( $theme ) . '"' : ''
	);
}

/** Remember, and return, whether this page has a launcher of its own. */
function needs_script( $noted = false ) {
	static $needed = false;
	$needed = $needed || $noted;
	return $needed;
}

/** Print the script's tag: with the entry point of this page, or bare for a page that has launchers of its own. */
function print_tag() {
	$settings    = settings();
	$entry_point = entry_point_of( $settings, current_path() );
	if ( ! $settings['address'] || ( ! $entry_point && ! needs_script() ) ) {
		return;
	}
	$attributes = array(
		'async' => true,
		'src'   => $settings['address'] . '/widget.js',
	);
	if ( $entry_point ) {
		$attributes['data-entry-point'] = $entry_point;
		if ( $settings['theme'] ) {
			$attributes['data-theme'] = $settings['theme'];
		}
	}
	wp_print_script_tag( $attributes );
}

/** Return the path of this page within the site, as "/careers/". */
function current_path() {
	$asked = isset( $_SERVER['REQUEST_URI'] ) ? (string) wp_unslash( $_SERVER['REQUEST_URI'] ) : '/'; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- compared, never printed
	$path  = (string) wp_parse_url( $asked, PHP_URL_PATH );
	$home  = rtrim( (string) wp_parse_url( home_url(), PHP_URL_PATH ), '/' );
	return '/' . ltrim( substr( $path, strlen( $home ) ), '/' );
}

/** Return the entry point for a path: that of the first rule that fits, else that of all pages; empty for no button. */
function entry_point_of( $settings, $path ) {
	foreach ( $settings['rules'] as $rule ) {
		$start = rtrim( $rule['path'], '*' );
		$whole = $start === $rule['path'];
		if ( $whole ? untrailingslashit( $start ) === untrailingslashit( $path ) : 0 === strpos( $path, $start ) ) {
			return $rule['entry_point'];
		}
	}
	return $settings['entry_point'];
}

/** Add the settings' page to the menu. */
function add_page() {
	add_options_page( 'ECE Widget', 'ECE Widget', 'manage_options', 'ece-widget', __NAMESPACE__ . '\\settings_page' );
}

/** Add a link to the settings to the list of plugins. */
function add_link( $links ) {
	$address = admin_url( 'options-general.php?page=ece-widget' );
	array_unshift( $links, '<a href="' . esc_url( $address ) . '">' . esc_html__( 'Settings', 'ece-widget' ) . '</a>' );
	return $links;
}

/** Register the option with its check. */
function register_settings() {
	register_setting( 'ece_widget', OPTION, array( 'sanitize_callback' => __NAMESPACE__ . '\\checked' ) );
}

/** Return what was sent as far as it can be used; each mistake is told by name, and keeps what was there before. */
function checked( $given ) {
	$given   = (array) $given;
	$before  = settings();
	$address = rtrim( trim( isset( $given['address'] ) ? (string) $given['address'] : '' ), '/' );
	if ( $address && ! preg_match( '#^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$#', $address ) ) {
		add_settings_error( OPTION, 'address', __( 'The address is one like https://chat.example.com, with nothing after the name.', 'ece-widget' ) );
		$address = $before['address'];
	}
	$after = array(
		'address'     => $address,
		'entry_point' => checked_name( $given, 'entry_point', $before['entry_point'] ),
		'theme'       => checked_name( $given, 'theme', $before['theme'] ),
		'rules'       => array(),
	);
	foreach ( isset( $given['rules'] ) ? (array) $given['rules'] : array() as $rule ) {
		$path = trim( isset( $rule['path'] ) ? (string) $rule['path'] : '' );
		if ( '' === $path ) {
			continue;
		}
		$path = '/' . ltrim( esc_url_raw( '/' . ltrim( $path, '/' ) ), '/' );

		$after['rules'][] = array(
			'path'        => $path,
			'entry_point' => checked_name( (array) $rule, 'entry_point', '' ),
		);
	}
	return $after;
}

/** Return a name as the server's settings allow it, else the one before, and tell the mistake. */
function checked_name( $given, $key, $before ) {
	$name = trim( isset( $given[ $key ] ) ? (string) $given[ $key ] : '' );
	if ( '' === $name || preg_match( NAME, $name ) ) {
		return $name;
	}
	/* translators: %s: what was written */
	$text = sprintf( __( 'A name has small letters, digits, "-" and "_" only: %s', 'ece-widget' ), $name );
	add_settings_error( OPTION, $key, esc_html( $text ) );
	return $before;
}

/** Print the settings' page. */
function settings_page() {
	$settings = settings();
	$rules    = array_merge( $settings['rules'], array_fill( 0, 3, array( 'path' => '', 'entry_point' => '' ) ) );
	?>
	<div class="wrap">
		<h1>ECE Widget</h1>
		<form method="post" action="options.php">
			<?php settings_fields( 'ece_widget' ); ?>
			<table class="form-table" role="presentation">
				<?php
				row( 'address', __( 'Your ECE Widget server', 'ece-widget' ), $settings['address'], __( 'As https://chat.example.com', 'ece-widget' ) );
				row( 'entry_point', __( 'Entry point of all pages', 'ece-widget' ), $settings['entry_point'], __( 'A name from the settings of the server. Empty: a button only where you place one.', 'ece-widget' ) );
				row( 'theme', __( 'Theme', 'ece-widget' ), $settings['theme'], __( 'Empty: the one that the server gives the entry point.', 'ece-widget' ) );
				?>
			</table>
			<h2><?php esc_html_e( 'Pages with another entry point, or without a button', 'ece-widget' ); ?></h2>
			<p><?php esc_html_e( 'The first path that fits counts. A path that ends in * fits all that begin so; one without an entry point has no button.', 'ece-widget' ); ?></p>
			<table class="widefat striped" style="max-width: 48rem">
				<thead><tr>
					<th scope="col"><?php esc_html_e( 'Path', 'ece-widget' ); ?></th>
					<th scope="col"><?php esc_html_e( 'Entry point', 'ece-widget' ); ?></th>
				</tr></thead>
				<tbody>
				<?php foreach ( $rules as $number => $rule ) : ?>
					<tr>
						<?php cell( $number, 'path', $rule['path'], __( 'Path', 'ece-widget' ), '/careers/*' ); ?>
						<?php cell( $number, 'entry_point', $rule['entry_point'], __( 'Entry point', 'ece-widget' ), __( 'no button', 'ece-widget' ) ); ?>
					</tr>
				<?php endforeach; ?>
				</tbody>
			</table>
			<p><?php esc_html_e( 'In a text, the block "Chat button" or the shortcode [ece_chat entry_point="…"] places a button.', 'ece-widget' ); ?></p>
			<?php submit_button(); ?>
		</form>
	</div>
	<?php
}

/** Print one setting with its explanation. */
function row( $key, $label, $value, $note ) {
	printf(
		'<tr><th scope="row"><label for="ece-widget-%1$s">%2$s</label></th><td><input class="regular-text code" id="ece-widget-%1$s" name="%3$s[%1$s]" value="%4$s" aria-describedby="ece-widget-%1$s-note"><p class="description" id="ece-widget-%1$s-note">%5$s</p></td></tr>',
		esc_attr( $key ),
		esc_html( $label ),
		esc_attr( OPTION ),
		esc_attr( $value ),
		esc_html( $note )
	);
}

/** Print one field of a rule. */
function cell( $number, $key, $value, $label, $hint ) {
	printf(
		'<td><input class="large-text code" name="%s[rules][%d][%s]" value="%s" aria-label="%s" placeholder="%s"></td>',
		esc_attr( OPTION ),
		(int) $number,
		esc_attr( $key ),
		esc_attr( $value ),
		esc_attr( $label . ' ' . ( $number + 1 ) ),
		esc_attr( $hint )
	);
}
