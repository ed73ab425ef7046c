//! Which rows of a long list are on the screen, when all have one height but for the opened ones.
//!
//! Pure arithmetic on pixels; the page gives the scroll position and draws the window.

/// Rows to draw and the empty space above and below them, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub start: usize,
    pub end: usize,
    pub above_px: f64,
    pub below_px: f64,
}

/// Rows drawn beyond each edge of the view, so that a quick scroll shows no gap.
const MARGIN_ROWS: usize = 12;

/// The window over `n` rows of `row_px`. `opened` are the places of taller rows with the height they
/// add, in rising order; rows are only ever skipped whole, so an opened row stays while any of it shows.
pub fn window(n: usize, row_px: f64, opened: &[(usize, f64)], scroll_px: f64, view_px: f64) -> Window {
    let first = row_at(scroll_px.max(0.0), row_px, opened).min(n);
    let last = row_at(scroll_px.max(0.0) + view_px.max(0.0), row_px, opened).min(n);
    let start = first.saturating_sub(MARGIN_ROWS);
    let end = (last + 1 + MARGIN_ROWS).min(n);
    Window {
        start,
        end,
        above_px: top_of(start, row_px, opened),
        below_px: (top_of(n, row_px, opened) - top_of(end, row_px, opened)).max(0.0),
    }
}

/// Where row `index` begins.
pub fn top_of(index: usize, row_px: f64, opened: &[(usize, f64)]) -> f64 {
    let added: f64 = opened.iter().take_while(|(row, _)| *row < index).map(|(_, px)| px).sum();
    index as f64 * row_px + added
}

fn row_at(px: f64, row_px: f64, opened: &[(usize, f64)]) -> usize {
    let mut added = 0.0;
    for (row, extra_px) in opened {
        if px < *row as f64 * row_px + added {
            break;
        }
        if px < (*row + 1) as f64 * row_px + added + extra_px {
            return *row;
        }
        added += extra_px;
    }
    ((px - added) / row_px) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the middle of a list of a thousand equal rows.
    /// Guarantees: only the view and its margins are drawn, and the spaces keep the list's height.
    #[test]
    fn draws_the_view_and_its_margins() {
        let window = window(1_000, 24.0, &[], 2_400.0, 480.0);
        assert_eq!((window.start, window.end), (88, 133));
        let drawn_px = (window.end - window.start) as f64 * 24.0;
        assert_eq!(window.above_px + drawn_px + window.below_px, 24_000.0);
    }

    /// Scenario: the top, the end, a short list, an empty one and a position beyond the end.
    /// Guarantees: the window never leaves the list.
    #[test]
    fn stays_inside_the_list() {
        assert_eq!(window(1_000, 24.0, &[], 0.0, 480.0).start, 0);
        assert_eq!(window(1_000, 24.0, &[], 24_000.0, 480.0).end, 1_000);
        assert_eq!(
            window(3, 24.0, &[], 0.0, 480.0),
            Window { start: 0, end: 3, above_px: 0.0, below_px: 0.0 }
        );
        assert_eq!(window(0, 24.0, &[], 99.0, 480.0).end, 0);
        assert_eq!(window(5, 24.0, &[], 1e9, 480.0).end, 5);
    }

    /// Scenario: row 10 is opened and 500 px taller; the view rests inside it, then beyond it.
    /// Guarantees: it is drawn while any of it shows, and later rows are where they look.
    #[test]
    fn opened_rows_keep_their_place() {
        let opened = [(10, 500.0)];
        assert_eq!(row_at(10.0 * 24.0 + 400.0, 24.0, &opened), 10);
        assert_eq!(row_at(11.0 * 24.0 + 500.0, 24.0, &opened), 11);
        assert_eq!(top_of(11, 24.0, &opened), 764.0);
        assert_eq!(
            window(100, 24.0, &opened, 0.0, 100.0).below_px,
            100.0 * 24.0 + 500.0 - 17.0 * 24.0 - 500.0
        );
    }
}
