//! HTML and SVG.

pub(crate) mod markup;
