//! A table of text: the first column to the left, the others to the right.

use super::page::{columns, padded, padded_left};

/// A table of text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table with this heading and no rows.
    pub(crate) fn new(heading: Vec<String>) -> Self {
        Self {
            rows: vec![heading],
        }
    }

    /// Adds a row, of as many cells as the heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.rows[0].len());
        self.rows.push(cells);
    }

    /// Renders the table as lines, with two spaces between columns.
    pub(crate) fn to_text(&self) -> String {
        let count = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| columns(&row[column]));
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    line += &padded(cell, *width);
                } else {
                    line += "  ";
                    line += &padded_left(cell, *width);
                }
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(vec!["name".into(), "n".into()]);
        table.row(vec!["a".into(), "1000".into()]);
        assert_eq!(table.to_text(), "name     n\na     1000\n");
    }

    #[test]
    fn wide_letters_do_not_shift_a_column() {
        let mut table = Table::new(vec!["name".into(), "n".into()]);
        table.row(vec!["支払い".into(), "1".into()]);
        table.row(vec!["orders".into(), "2".into()]);
        assert_eq!(table.to_text(), "name    n\n支払い  1\norders  2\n");
    }
}
