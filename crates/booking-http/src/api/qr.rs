//! QR codes (ISO/IEC 18004) as SVG.

use qrcode::render::svg::Color;
use qrcode::{EcLevel, QrCode};

pub(crate) const CONTENT_TYPE: &str = "image/svg+xml";

/// The side of a module in the picture's own unit; the picture scales to any size.
const MODULE_SIDE: u32 = 4;

/// Draws `text`, dark on white and with the margin that scanners need. The picture has no styles and no scripts, so
/// that it is shown under any content security policy.
pub(crate) fn draw(text: &str) -> String {
    // M restores 15 % of the code: enough for a scratched screen or a crease, and still coarse enough to be read
    // from a phone.
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .expect("a ticket is far shorter than the longest QR code");
    code.render::<Color<'_>>().quiet_zone(true).module_dimensions(MODULE_SIDE, MODULE_SIDE).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_a_code_with_a_margin_and_no_styles() {
        let svg = draw(&"x".repeat(booking_ticket::TEXT_CHARACTERS));
        // Version 8 has 49 modules a side, and the margin is 4 on each.
        assert!(svg.contains(r#"viewBox="0 0 228 228""#), "{}", &svg[..300]);
        assert!(svg.contains(r##"fill="#fff""##) && svg.contains(r##"fill="#000""##));
        assert!(!svg.contains("style") && !svg.contains("script"));
    }
}
