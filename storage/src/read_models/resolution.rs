//! The widths of buckets that read models are kept in.

/// Width of the buckets of a table, in the order of [`Resolution::ALL`] finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    TenSeconds,
    Minute,
    Hour,
}

const SECOND_NS: i64 = 1_000_000_000;

impl Resolution {
    pub const ALL: [Self; 3] = [Self::TenSeconds, Self::Minute, Self::Hour];

    /// Width of a bucket. Each is a multiple of all finer ones, and buckets are counted from 1970, so that a
    /// bucket holds whole ones of every finer resolution.
    pub const fn bucket_ns(self) -> i64 {
        match self {
            Self::TenSeconds => 10 * SECOND_NS,
            Self::Minute => 60 * SECOND_NS,
            Self::Hour => 3_600 * SECOND_NS,
        }
    }

    /// What the names of its tables end with.
    pub const fn table_suffix(self) -> &'static str {
        match self {
            Self::TenSeconds => "",
            Self::Minute => "_1m",
            Self::Hour => "_1h",
        }
    }

    /// The start of the bucket that a moment lies in, also before 1970.
    pub(crate) fn bucket_of(self, unix_nanos: i64) -> i64 {
        unix_nanos.div_euclid(self.bucket_ns()).saturating_mul(self.bucket_ns())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: moments before and after 1970, and the ends of time, in every resolution.
    /// Guarantees: the bucket of a moment is that of its finer buckets, so that cells can be made of finer ones.
    #[test]
    fn coarse_buckets_hold_whole_finer_ones() {
        for at in [0, 1, -1, 59_999_999_999, 3_600_000_000_000, 1_767_225_612_345_678_901, i64::MAX] {
            for pair in Resolution::ALL.windows(2) {
                let [fine, coarse] = pair else { panic!("windows of two") };
                assert_eq!(coarse.bucket_ns() % fine.bucket_ns(), 0);
                assert_eq!(coarse.bucket_of(fine.bucket_of(at)), coarse.bucket_of(at), "{at}");
            }
        }
        assert_eq!(Resolution::TenSeconds.bucket_of(-1), -10_000_000_000);
    }
}
