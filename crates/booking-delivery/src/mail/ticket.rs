//! A ticket's QR code as PNG: mail programs show no SVG.

use qrcode::{Color, EcLevel, QrCode};

/// The side of a module in pixels, so that a ticket's code is some 340 wide: it fills a phone, and prints sharp.
const MODULE_PIXELS: usize = 6;

/// The margin that scanners need, in modules (ISO/IEC 18004, section 6.3.8).
const QUIET_MODULES: usize = 4;

/// A code as a picture.
pub(super) struct Picture {
    /// As PNG, in black and white.
    pub(super) png: Vec<u8>,
    /// Its sides, in pixels.
    pub(super) side: usize,
}

/// Draws `text`; `None` if it is too long for any code.
pub(super) fn draw(text: &str) -> Option<Picture> {
    // As on the pages: coarse enough for a phone, with enough error correction for a crease.
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules = code.width();
    let side = (modules + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let row_bytes = side.div_ceil(8);
    // One bit for each pixel, where 1 is white.
    let mut bits = vec![0xff_u8; row_bytes * side];
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let left = (at % modules + QUIET_MODULES) * MODULE_PIXELS;
            let top = (at / modules + QUIET_MODULES) * MODULE_PIXELS;
            for y in top..top + MODULE_PIXELS {
                for x in left..left + MODULE_PIXELS {
                    bits[y * row_bytes + x / 8] &= !(0x80 >> (x % 8));
                }
            }
        }
    }
    let png = encode(side, &bits).expect("a picture of that size is written to memory");
    Some(Picture { png, side })
}

fn encode(side: usize, bits: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let pixels = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut file, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bits)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// The pixels of a picture, dark or not.
    fn pixels(png: &[u8]) -> Vec<Vec<bool>> {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().expect("it is a PNG");
        assert_eq!(reader.info().bit_depth, png::BitDepth::One);
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        let mut bits = vec![0; width.div_ceil(8) * height];
        reader.next_frame(&mut bits).expect("it is whole");
        let is_dark = |row: &[u8], x: usize| row[x / 8] & (0x80 >> (x % 8)) == 0;
        bits.chunks(width.div_ceil(8))
            .map(|row| (0..width).map(|x| is_dark(row, x)).collect())
            .collect()
    }

    #[test]
    fn a_ticket_is_decoded_from_its_picture() {
        let ticket: String = (0..146).map(|at| char::from(b'A' + (at * 7 % 26) as u8)).collect();
        for text in [ticket.as_str(), "x", "ticket with ü"] {
            let picture = draw(text).expect("it is short");
            let pixels = pixels(&picture.png);
            assert_eq!((pixels.len(), pixels[0].len()), (picture.side, picture.side));
            let margin = QUIET_MODULES * MODULE_PIXELS;
            let is_margin = |at: usize| at < margin || at >= picture.side - margin;
            for (y, row) in pixels.iter().enumerate() {
                for (x, is_dark) in row.iter().enumerate() {
                    assert!(!is_dark || !(is_margin(x) || is_margin(y)), "{x} {y}");
                }
            }
            let mut image =
                rqrr::PreparedImage::prepare_from_greyscale(picture.side, picture.side, |x, y| {
                    if pixels[y][x] { 0 } else { 255 }
                });
            let grids = image.detect_grids();
            let [grid] = &grids[..] else { panic!("there is one code") };
            assert_eq!(grid.decode().expect("it is read").1, text);
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_code() {
        assert!(draw(&"x".repeat(10_000)).is_none());
    }
}
