//! Reads futures that hold many others: each one's await is told that is still pending, and
//! none that is done.

mod support;

use std::future::{pending, ready};

use futures::future::{join, join3, join_all, select_all, try_join_all, Either};
use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};

use support::{at, chains_of, Source};

const HERE: Source = Source {
    text: include_str!("lists.rs"),
    name: "lists",
};

async fn one(number: u8) -> u8 {
    match number % 3 {
        0 => ready(number).await,
        1 => pending().await, // @one.pending
        _ => two().await,     // @one.two
    }
}

async fn two() -> u8 {
    pending().await // @two
}

fn pending_at(first: &[&str]) -> Vec<String> {
    let mut chain: Vec<String> = first.iter().map(|mark| at(&HERE, mark)).collect();
    chain.push("core::future::pending::Pending".into());
    chain
}

/// Of one, four and so on, and of two, five and so on.
fn each_of(outer: &str, count: usize) -> Vec<Vec<String>> {
    let pending = |number: usize| match number % 3 {
        0 => None,
        1 => Some(pending_at(&[outer, "one:one.pending"])),
        _ => Some(pending_at(&[outer, "one:one.two", "two:two"])),
    };
    (0..count).filter_map(pending).collect()
}

#[test]
fn the_branches_of_join_all() {
    async fn joins() {
        join_all((0..12).map(one)).await; // @join_all
    }
    let expected = each_of("the_branches_of_join_all::joins:join_all", 12);
    assert_eq!(expected.len(), 8);
    assert_eq!(chains_of(&HERE, joins()), expected);
}

#[test]
fn the_branches_of_a_large_join_all() {
    async fn joins() {
        join_all((0..60).map(one)).await; // @join_all.large
    }
    // Kept in a list of which the newest comes first.
    let mut expected = each_of("the_branches_of_a_large_join_all::joins:join_all.large", 60);
    expected.reverse();
    let mut found = chains_of(&HERE, joins());
    assert_eq!(found.len(), 40);
    // What was ready has left the list, and so did what was polled again since.
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_branches_of_try_join_all() {
    async fn fails(number: u8) -> Result<u8, ()> {
        Ok(one(number).await) // @fails
    }
    async fn joins() {
        let _ = try_join_all((0..4).map(fails)).await; // @try_join_all
    }
    let function = "the_branches_of_try_join_all";
    let outer = format!("{function}::joins:try_join_all");
    let fails = format!("{function}::fails:fails");
    let expected = [
        pending_at(&[&outer, &fails, "one:one.pending"]),
        pending_at(&[&outer, &fails, "one:one.two", "two:two"]),
    ];
    assert_eq!(chains_of(&HERE, joins()), expected);
}

#[test]
fn the_branches_of_select_all_boxed() {
    async fn selects() {
        let futures = [1, 2, 4].map(|number| Box::pin(one(number)));
        select_all(futures).await; // @select_all
    }
    let outer = "the_branches_of_select_all_boxed::selects:select_all";
    let expected = [
        pending_at(&[outer, "one:one.pending"]),
        pending_at(&[outer, "one:one.two", "two:two"]),
        pending_at(&[outer, "one:one.pending"]),
    ];
    assert_eq!(chains_of(&HERE, selects()), expected);
}

#[test]
fn the_futures_of_futures_unordered() {
    async fn next() {
        let mut futures: FuturesUnordered<_> = [1, 0, 2].map(one).into_iter().collect();
        while let Some(_number) = futures.next().await {} // @unordered
    }
    let outer = "the_futures_of_futures_unordered::next:unordered";
    let mut expected = vec![
        pending_at(&[outer, "one:one.pending"]),
        pending_at(&[outer, "one:one.two", "two:two"]),
    ];
    let mut found = chains_of(&HERE, next());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn boxed_futures_of_several_types_in_order() {
    use std::future::Future;
    use std::pin::Pin;
    type Boxed = Pin<Box<dyn Future<Output = u8> + Send>>;
    async fn next() {
        let boxed: [Boxed; 2] = [Box::pin(one(1)), Box::pin(two())];
        let mut futures: FuturesOrdered<_> = boxed.into_iter().collect();
        futures.next().await; // @ordered
    }
    let outer = "boxed_futures_of_several_types_in_order::next:ordered";
    let mut expected = vec![
        pending_at(&[outer, "one:one.pending"]),
        pending_at(&[outer, "two:two"]),
    ];
    let mut found = chains_of(&HERE, next());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_a_buffered_stream_has_under_way() {
    async fn buffered() {
        let stream = futures::stream::iter([1, 2, 1, 1]).map(one);
        let mut stream = Box::pin(stream.buffer_unordered(2));
        while let Some(_number) = stream.next().await {} // @buffered
    }
    let outer = "what_a_buffered_stream_has_under_way::buffered:buffered";
    let mut expected = vec![
        pending_at(&[outer, "one:one.pending"]),
        pending_at(&[outer, "one:one.two", "two:two"]),
    ];
    let mut found = chains_of(&HERE, buffered());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn joins_and_choices_of_two() {
    async fn joins() {
        let chosen = Either::<_, std::future::Pending<()>>::Left(async {
            two().await; // @chosen
        });
        join(join3(one(0), one(1), one(2)), chosen).await; // @join
    }
    let function = "joins_and_choices_of_two";
    let outer = format!("{function}::joins:join");
    let expected = [
        pending_at(&[&outer, "one:one.pending"]),
        pending_at(&[&outer, "one:one.two", "two:two"]),
        pending_at(&[
            &outer,
            &format!("{function}::joins (async block):chosen"),
            "two:two",
        ]),
    ];
    assert_eq!(chains_of(&HERE, joins()), expected);
}
