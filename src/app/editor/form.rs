//! Which rows of the request pane belong to which field.
//!
//! Where there is room, texts get several rows, and texts and files a row below for what is to be said about them. That
//! row is there whether or not there is something to say, so that nothing jumps when there is.

/// Most rows of the script and of any other text, as parts of the height: what is to be said about a text should not
/// be far from it.
const TEXT_PARTS: [u16; 2] = [4, 8];
/// What they get in any case, where there is room.
const TEXT_ROWS: [u16; 2] = [8, 4];

/// Rows of a list or of JSON that is typed into.
const UNFOLDED: u16 = 8;

/// What the form needs to know of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One row: a choice, a number, a name.
    Short,
    /// A path, with a row for what the file is.
    File,
    /// A text of several rows, with a row for its length.
    Text,
    /// One row, and a text of several while it is typed into.
    Folded,
}

/// A field's place, in rows from the top of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) top: u16,
    /// Rows of the value.
    pub(crate) rows: u16,
    /// Whether another row below is for what is to be said.
    pub(crate) has_info: bool,
}

impl Place {
    pub(crate) const fn bottom(self) -> u16 {
        self.top + self.rows + self.has_info as u16
    }
}

/// The form at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) places: Vec<Place>,
    /// Rows for the description of the selected field, 0 where there is no room.
    pub(crate) help: u16,
    /// Rows that the fields have in sight.
    pub(crate) window: u16,
}

/// Lays `shapes` out in `height` rows, the last of which is for the estimate.
///
/// A text that is typed into gets some rows even where there is no room for all fields; the form then scrolls.
pub(crate) fn lay_out(shapes: &[Shape], height: u16, typing: Option<usize>) -> Form {
    let count = u16::try_from(shapes.len()).unwrap_or(u16::MAX);
    let usable = height.saturating_sub(1);
    let mut spare = usable.saturating_sub(count);
    let mut take = |wanted: u16| {
        let taken = if wanted <= spare { wanted } else { 0 };
        spare -= taken;
        taken
    };
    let infos = u16::try_from(
        shapes
            .iter()
            .filter(|shape| matches!(shape, Shape::File | Shape::Text))
            .count(),
    )
    .unwrap_or(u16::MAX);
    // A text of two rows is worth more than anything about it.
    let texts: Vec<usize> = (0..shapes.len())
        .filter(|&at| shapes[at] == Shape::Text)
        .collect();
    let mut rows = vec![1; shapes.len()];
    for &at in &texts {
        rows[at] += take(1);
    }
    let has_info = take(infos) > 0 || infos == 0;
    let help = take(3);
    // The rest goes to the texts: two rows to the first for each of another.
    loop {
        let before = rows.clone();
        for (order, &at) in texts.iter().enumerate() {
            let of = order.min(1);
            let most = TEXT_ROWS[of].max(height / TEXT_PARTS[of]);
            for _ in 0..if order == 0 { 2 } else { 1 } {
                if rows[at] < most {
                    rows[at] += take(1);
                }
            }
        }
        if rows == before {
            break;
        }
    }
    let unfolded = typing.filter(|&at| shapes[at] == Shape::Folded);
    if let Some(at) = typing.filter(|&at| matches!(shapes[at], Shape::Text | Shape::Folded)) {
        let least = if unfolded.is_some() { UNFOLDED } else { 4 };
        rows[at] = rows[at].max(least).min(usable.saturating_sub(help).max(1));
    }
    let mut top = 0;
    let places = shapes
        .iter()
        .zip(rows)
        .enumerate()
        .map(|(at, (shape, rows))| {
            let may_have = matches!(shape, Shape::File | Shape::Text) || unfolded == Some(at);
            let place = Place {
                top,
                rows,
                has_info: has_info && may_have,
            };
            top = place.bottom();
            place
        })
        .collect();
    Form {
        places,
        help,
        window: usable - help,
    }
}

impl Form {
    /// The first row in sight so that the field `at` is, moving from `top` no further than needed.
    pub(crate) fn scrolled(&self, at: usize, top: u16) -> u16 {
        let Some(place) = self.places.get(at) else {
            return 0;
        };
        let whole = self.places.last().map_or(0, |last| last.bottom());
        top.min(place.top)
            .max(place.bottom().saturating_sub(self.window))
            .min(
                whole
                    .saturating_sub(self.window)
                    .max(place.bottom().saturating_sub(self.window)),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 10] = [
        Shape::Short,
        Shape::Short,
        Shape::File,
        Shape::Text,
        Shape::Short,
        Shape::Text,
        Shape::Short,
        Shape::Short,
        Shape::Short,
        Shape::Short,
    ];

    #[test]
    fn places_follow_each_other_and_fit_where_they_can() {
        for height in 11..60 {
            let form = lay_out(&SHAPES, height, None);
            for pair in form.places.windows(2) {
                assert_eq!(pair[0].bottom(), pair[1].top);
            }
            assert!(
                form.places.last().unwrap().bottom() <= form.window,
                "{height}"
            );
        }
    }

    #[test]
    fn the_smallest_screen_has_a_row_for_every_field() {
        let form = lay_out(&SHAPES, 11, None);
        assert!(
            form.places
                .iter()
                .all(|place| place.rows == 1 && !place.has_info)
        );
        assert_eq!(form.help, 0);
    }

    #[test]
    fn the_script_gets_the_most_room() {
        let form = lay_out(&SHAPES, 31, None);
        assert!(form.places[3].rows > form.places[5].rows);
        assert!(form.places[2].has_info && form.help > 0);
    }

    #[test]
    fn a_text_that_is_typed_into_has_rows_and_the_form_scrolls_to_it() {
        let form = lay_out(&SHAPES, 11, Some(5));
        assert_eq!(form.places[5].rows, 4);
        let top = form.scrolled(5, 0);
        assert!(top <= form.places[5].top && form.places[5].bottom() <= top + form.window);
        assert_eq!(form.scrolled(0, top), 0);
    }
}
