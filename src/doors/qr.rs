//! QR codes as pictures in the page: nothing is asked of anybody.

use qrcode::QrCode;
use qrcode::render::svg;

use crate::base::Result;
use crate::base::error::internal;

/// `text` as SVG, dark on white in any theme, because cameras want it so.
pub fn svg(text: &str) -> Result<String> {
    let code = QrCode::new(text.as_bytes()).map_err(internal)?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // Without the XML declaration it can stand in a page.
    Ok(drawn.find("<svg").map_or(drawn.clone(), |from| drawn[from..].to_owned()))
}
