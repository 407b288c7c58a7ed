//! Merging the answers of several cells.

use booking_core::{Backlog, CellName, DueLane, EventId, Page, PageLimit, SinkBacklog, SinkId};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Merges the pages of several cells after the same cursor, each of up to `limit` items in descending order of `key`.
/// The result has no gap: where a cell has more than it returned, it ends with the last of those.
pub(crate) fn page<T, C, K: Ord>(
    pages: Vec<Page<T, C>>,
    limit: PageLimit,
    missing: Vec<CellName>,
    key: impl Fn(&T) -> K,
) -> Page<T, C>
where
    C: for<'a> From<&'a T>,
{
    let has_more = pages.iter().any(|page| page.next.is_some());
    // What follows the last item of an unfinished page is not known yet.
    let unfinished = pages.iter().filter(|page| page.next.is_some());
    let ends = unfinished.filter_map(|page| page.items.last()).map(&key).max();
    let mut items: Vec<T> = pages.into_iter().flat_map(|page| page.items).collect();
    if let Some(ends) = ends {
        items.retain(|item| key(item) >= ends);
    }
    items.sort_by_cached_key(|item| Reverse(key(item)));
    // An item that went from one cell to another while they were asked is in both pages.
    items.dedup_by(|one, other| key(one) == key(other));
    let has_more = has_more || items.len() > limit.get();
    items.truncate(limit.get());
    let next = if has_more { items.last().map(C::from) } else { None };
    Page { items, next, missing }
}

/// Merges the lists of several cells, each of which begins with the most urgent event, into up to `limit` events: the
/// first of each, then the second.
pub(crate) fn interleaved(lists: &[Vec<EventId>], limit: PageLimit) -> Vec<EventId> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or_default();
    let ranks = 0..longest;
    let all = ranks.flat_map(|rank| lists.iter().filter_map(move |list| list.get(rank)));
    all.take(limit.get()).copied().collect()
}

/// How many lanes of which sink to claim in which cell: those that are due for longest across all cells.
pub(crate) fn shares(
    wanted: &[(SinkId, usize)],
    due: &[(usize, Vec<DueLane>)],
) -> BTreeMap<usize, Vec<(SinkId, usize)>> {
    let mut of_sinks: HashMap<SinkId, Vec<(DateTime<Utc>, usize)>> = HashMap::new();
    for (at, lanes) in due {
        for lane in lanes {
            of_sinks.entry(lane.sink).or_default().push((lane.due_at, *at));
        }
    }
    let mut shares: BTreeMap<usize, Vec<(SinkId, usize)>> = BTreeMap::new();
    for (sink, at_most) in wanted {
        let Some(lanes) = of_sinks.get_mut(sink) else { continue };
        lanes.sort_unstable();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, at) in lanes.iter().take(*at_most) {
            *counts.entry(*at).or_default() += 1;
        }
        for (at, count) in counts {
            shares.entry(at).or_default().push((*sink, count));
        }
    }
    shares
}

/// The combined backlog of all cells.
pub(crate) fn backlog(backlogs: impl IntoIterator<Item = Backlog>) -> Backlog {
    let mut sum = Backlog::default();
    let mut sinks: HashMap<SinkId, SinkBacklog> = HashMap::new();
    for backlog in backlogs {
        sum.oldest_unrouted = earlier(sum.oldest_unrouted, backlog.oldest_unrouted);
        sum.oldest_mail = earlier(sum.oldest_mail, backlog.oldest_mail);
        sum.mails_due += backlog.mails_due;
        sum.mails_stuck += backlog.mails_stuck;
        for part in backlog.sinks {
            let all = sinks.entry(part.sink).or_insert(SinkBacklog {
                sink: part.sink,
                lanes: 0,
                failing: 0,
                oldest: None,
            });
            all.lanes += part.lanes;
            all.failing += part.failing;
            all.oldest = earlier(all.oldest, part.oldest);
        }
    }
    sum.sinks = sinks.into_values().collect();
    sum.sinks.sort_by_key(|part| (part.oldest, Reverse(part.failing), part.sink));
    sum.sinks.truncate(Backlog::SINKS_MAX);
    sum
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct After(u32);

    impl From<&u32> for After {
        fn from(item: &u32) -> Self {
            Self(*item)
        }
    }

    fn limit(limit: u32) -> PageLimit {
        PageLimit::parse(limit).expect("a valid limit")
    }

    /// The page of a cell that has these items, in descending order.
    fn of_cell(all: &[u32], after: Option<After>, at_most: PageLimit) -> Page<u32, After> {
        let left = all.iter().filter(|item| after.is_none_or(|after| **item < after.0));
        Page::new(left.take(at_most.get() + 1).copied().collect(), at_most)
    }

    #[test]
    fn merged_pages_have_no_gaps_and_no_duplicates() {
        let spreads: [&[&[u32]]; 4] = [
            &[&[9, 7, 5, 3, 1], &[8, 6, 4, 2, 0]],
            &[&[9, 8, 7, 6, 5, 4], &[], &[3, 2, 1, 0]],
            &[&[5], &[9, 8, 7, 6], &[4, 3, 2, 1, 0]],
            &[&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]],
        ];
        for cells in spreads {
            for at_most in 1..=11 {
                let (mut all, mut after) = (Vec::new(), None);
                loop {
                    let pages = cells.iter().map(|cell| of_cell(cell, after, limit(at_most)));
                    let page = page(pages.collect(), limit(at_most), vec![], |item| *item);
                    assert!(page.items.len() <= at_most as usize);
                    assert_eq!(page.next, page.next.and(page.items.last().map(After::from)));
                    all.extend(page.items);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(all, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "{cells:?}, {at_most}");
            }
        }
    }

    /// A page ends early if its items are long.
    #[test]
    fn a_short_page_leaves_no_gap() {
        let whole = |items: &[u32]| Page { items: items.to_vec(), next: None, missing: vec![] };
        let short = Page { next: Some(After(6)), ..whole(&[8, 6]) };
        let merged = page(vec![whole(&[9, 7, 5, 3]), short], limit(10), vec![], |item| *item);
        assert_eq!((merged.items, merged.next), (vec![9, 8, 7, 6], Some(After(6))));
    }

    #[test]
    fn each_cells_most_urgent_comes_first() {
        let id = |number: u128| EventId::from(Uuid::from_u128(number));
        let lists = vec![vec![id(1), id(2), id(3)], vec![], vec![id(4)]];
        assert_eq!(interleaved(&lists, limit(9)), [id(1), id(4), id(2), id(3)]);
        assert_eq!(interleaved(&lists, limit(2)), [id(1), id(4)]);
        assert_eq!(interleaved(&[], limit(2)), []);
    }

    #[test]
    fn the_lanes_due_for_longest_are_claimed() {
        let sinks = [1, 2].map(|number| SinkId::from(Uuid::from_u128(number)));
        let due = |sink: usize, micros| DueLane {
            event_id: Uuid::from_u128(7).into(),
            sink: sinks[sink],
            due_at: DateTime::from_timestamp_micros(micros).expect("a time"),
        };
        let found = [
            (0, vec![due(0, 5), due(0, 6), due(1, 1)]),
            (2, vec![due(0, 2), due(0, 9)]),
            (3, vec![due(0, 4)]),
        ];
        let shared = shares(&[(sinks[0], 3), (sinks[1], 7)], &found);
        let expected = [
            (0, vec![(sinks[0], 1), (sinks[1], 1)]),
            (2, vec![(sinks[0], 1)]),
            (3, vec![(sinks[0], 1)]),
        ];
        assert_eq!(shared, BTreeMap::from(expected));
        assert!(shares(&[(sinks[0], 0)], &found).is_empty());
    }

    #[test]
    fn a_sinks_lag_is_the_longest_of_all_cells() {
        let sink = SinkId::from(Uuid::from_u128(1));
        let at = |micros| DateTime::from_timestamp_micros(micros);
        let lag = |lanes, failing, oldest| SinkBacklog { sink, lanes, failing, oldest };
        let one = Backlog {
            oldest_unrouted: at(9),
            sinks: vec![lag(2, 1, at(5))],
            mails_due: 1,
            oldest_mail: None,
            mails_stuck: 2,
        };
        let other = Backlog {
            oldest_unrouted: at(8),
            sinks: vec![lag(3, 0, at(4))],
            mails_due: 4,
            oldest_mail: at(1),
            mails_stuck: 0,
        };
        let expected = Backlog {
            oldest_unrouted: at(8),
            sinks: vec![lag(5, 1, at(4))],
            mails_due: 5,
            oldest_mail: at(1),
            mails_stuck: 2,
        };
        assert_eq!(backlog([one, other]), expected);
    }
}
