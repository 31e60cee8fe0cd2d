//! Tables in columns as wide as their widest cell.

/// Rows under a heading. Columns named in `right` (by place) are set to the right.
pub fn table(heading: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (column, cell) in cells.enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            let cell = if right.contains(&column) { format!("{padding}{cell}") } else { format!("{cell}{padding}") };
            line.push_str(if column == 0 { "" } else { "  " });
            line.push_str(&cell);
        }
        line.trim_end().to_string()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// A number with so many digits after the point, and no sign before a zero.
pub fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_string(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["x".to_string(), "1.5".to_string()], vec!["carriage".to_string(), "10.25".to_string()]];
        let expected = "AXIS         AT\nx           1.5\ncarriage  10.25";
        assert_eq!(table(&["AXIS", "AT"], &rows, &[1]), expected);
    }

    #[test]
    fn a_zero_has_no_sign() {
        assert_eq!([fixed(-0.0001, 3), fixed(-0.0006, 3), fixed(0.0, 0)], ["0.000", "-0.001", "0"]);
    }
}
