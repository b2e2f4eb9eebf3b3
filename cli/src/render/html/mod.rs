//! HTML and SVG.

mod markup;

pub(crate) use markup::Element;
