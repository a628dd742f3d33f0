//! How far a move is.

use indicatif::ProgressBar;
use jmap_domain::LayerId;
use layer_data_core::moving::{Progress, Stage};

use crate::console::Console;

/// One bar at a time, where a terminal shows it: each layer, then the tables of authorization.
#[derive(Debug, Default)]
pub(super) struct Bars {
    shown: Option<(Subject, ProgressBar)>,
}

/// What a bar is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Authorization,
    Layer(LayerId, Stage),
}

impl Bars {
    /// Authorization's tables are small: each is a word.
    pub(super) fn table(&mut self, name: &'static str) {
        let title = || "authorization".to_owned();
        let bar = self.bar(Subject::Authorization, 0, title);
        bar.inc(1);
        bar.set_message(name);
    }

    pub(super) fn layer(&mut self, progress: Progress<'_>) {
        let Progress {
            layer,
            label,
            stage,
            elements,
            total,
        } = progress;
        let title = || match stage {
            Stage::Copy => format!("layer {layer} {label}: copy"),
            Stage::Compare => format!("layer {layer} {label}: compare"),
        };
        let bar = self.bar(Subject::Layer(layer, stage), total, title);
        bar.set_position(elements);
    }

    pub(super) fn clear(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&mut self, subject: Subject, total: u64, title: impl FnOnce() -> String) -> ProgressBar {
        match &self.shown {
            Some((shown, bar)) if *shown == subject => bar.clone(),
            _ => {
                self.clear();
                let bar = Console::counting(total, title());
                self.shown = Some((subject, bar.clone()));
                bar
            }
        }
    }
}
