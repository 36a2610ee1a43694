//! Where the panes lie at a size.
//!
//! Plain arithmetic on rectangles. It is part of the state because wrapping, paging and keeping a selection in sight
//! depend on it, and what a key does must never depend on what was drawn.
//!
//! ```text
//! wide       header / request │ jobs over lower / notice / hints          from 100×24
//! tall       header / request over jobs over lower / notice / hints       from 60×44
//! stacked    header / tabs / request, or jobs over lower / notice / hints from 70×22
//! single     header / tabs / one pane / hints                             from 60×16
//! ```

use ratatui::layout::Rect;

/// Below this nothing but a notice is shown.
pub const LEAST: (u16, u16) = (60, 16);

/// What is assumed when the terminal does not tell its size.
pub const UNKNOWN: (u16, u16) = (80, 24);

/// A part of the screen that keys can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// The request editor.
    Request,
    /// The list of jobs.
    Jobs,
    /// The log or the detail of the selected job.
    Lower,
}

impl Pane {
    /// All panes in the order of `Tab`.
    pub const ALL: [Self; 3] = [Self::Request, Self::Jobs, Self::Lower];

    /// The pane `steps` further, around the end.
    #[must_use]
    pub const fn step(self, forward: bool) -> Self {
        match (self, forward) {
            (Self::Request, true) | (Self::Lower, false) => Self::Jobs,
            (Self::Jobs, true) | (Self::Request, false) => Self::Lower,
            (Self::Lower, true) | (Self::Jobs, false) => Self::Request,
        }
    }
}

/// The areas of one screen. Neighbours in one column share a border row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The first line.
    pub header: Rect,
    /// The line that says which panes there are, where not all are in sight.
    pub tabs: Option<Rect>,
    /// The request editor with its border.
    pub request: Option<Rect>,
    /// The jobs with their border.
    pub jobs: Option<Rect>,
    /// The lower pane with its border.
    pub lower: Option<Rect>,
    /// The line for notices; where it is missing they take the place of the hints.
    pub notice: Option<Rect>,
    /// The last line.
    pub hints: Rect,
}

impl Geometry {
    /// The areas at a size of at least [`LEAST`].
    #[must_use]
    pub fn of((columns, rows): (u16, u16), focus: Pane, zoomed: bool) -> Self {
        let wide = columns >= 100 && rows >= 24;
        let tall = rows >= 44;
        let stacked = columns >= 70 && rows >= 22;
        let line = |y| Rect::new(0, y, columns, 1);
        let whole = (wide || tall) && !zoomed;
        let notice = rows >= 22;
        let top = if whole { 1 } else { 2 };
        let bottom = rows.saturating_sub(if notice { 2 } else { 1 });
        let body = Rect::new(0, top, columns, bottom.saturating_sub(top));
        let mut areas = Self {
            header: line(0),
            tabs: (!whole).then(|| line(1)),
            request: None,
            jobs: None,
            lower: None,
            notice: notice.then(|| line(bottom)),
            hints: line(rows.saturating_sub(1)),
        };
        if zoomed {
            *areas.slot(focus) = Some(body);
        } else if wide {
            let left = (columns * 2 / 5).clamp(46, 70);
            areas.request = Some(Rect {
                width: left,
                ..body
            });
            areas.column(Rect {
                x: left,
                width: columns - left,
                ..body
            });
        } else if tall {
            let request = 20;
            areas.request = Some(Rect {
                height: request,
                ..body
            });
            areas.column(Rect {
                y: body.y + request,
                height: body.height - request,
                ..body
            });
        } else if stacked && focus != Pane::Request {
            areas.column(body);
        } else {
            *areas.slot(focus) = Some(body);
        }
        areas
    }

    /// The area of `pane`, if it is in sight.
    #[must_use]
    pub const fn area(&self, pane: Pane) -> Option<Rect> {
        match pane {
            Pane::Request => self.request,
            Pane::Jobs => self.jobs,
            Pane::Lower => self.lower,
        }
    }

    const fn slot(&mut self, pane: Pane) -> &mut Option<Rect> {
        match pane {
            Pane::Request => &mut self.request,
            Pane::Jobs => &mut self.jobs,
            Pane::Lower => &mut self.lower,
        }
    }

    /// Jobs over the lower pane; the border between them is one row of both.
    fn column(&mut self, area: Rect) {
        let jobs = (area.height * 2 / 5).max(6);
        self.jobs = Some(Rect {
            height: jobs,
            ..area
        });
        self.lower = Some(Rect {
            y: area.y + jobs - 1,
            height: area.height - jobs + 1,
            ..area
        });
    }
}

/// What is inside the border of `area`.
#[must_use]
pub const fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(1),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_focused_pane_is_always_in_sight_and_inside_the_screen() {
        for columns in (60..260).step_by(7) {
            for rows in 16..90 {
                for focus in Pane::ALL {
                    for zoomed in [false, true] {
                        let areas = Geometry::of((columns, rows), focus, zoomed);
                        let area = areas.area(focus).unwrap();
                        let screen = Rect::new(0, 0, columns, rows);
                        assert_eq!(
                            area.intersection(screen),
                            area,
                            "{columns}×{rows} {focus:?}"
                        );
                        assert!(area.height >= 5, "{columns}×{rows} {focus:?}: {area}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_wide_screen_shows_all_three_and_needs_no_tabs() {
        let areas = Geometry::of((120, 36), Pane::Jobs, false);
        assert!(areas.request.is_some() && areas.jobs.is_some() && areas.lower.is_some());
        assert_eq!(areas.tabs, None);
        let zoomed = Geometry::of((120, 36), Pane::Jobs, true);
        assert!(zoomed.request.is_none() && zoomed.tabs.is_some());
    }

    #[test]
    fn tab_goes_around_and_back() {
        for pane in Pane::ALL {
            assert_eq!(pane.step(true).step(false), pane);
            assert_eq!(pane.step(true).step(true).step(true), pane);
        }
    }
}
