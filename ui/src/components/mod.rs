//! Parts that pages share. They render what they are given; only pages ask the server.

pub mod chart;
pub mod chart_group;
pub mod clipboard;
pub mod copy_button;
pub mod data_table;
pub mod hold;
pub mod icon;
pub mod measure;
pub mod name;
pub mod ownership;
pub mod panel;
pub mod report;
pub mod shell;
pub mod sort_head;
pub mod sparkline;
pub mod sql_button;
pub mod status_mark;
pub mod tabs;

pub use chart::Chart;
pub use copy_button::CopyButton;
pub use icon::{icon, state_icon};
pub use name::name;
pub use ownership::ownership;
pub use panel::{Empty, Panel};
pub use sort_head::SortHead;
pub use sparkline::Sparkline;
pub use sql_button::SqlButton;
pub use tabs::Tabs;
