//! Owns the layer: the same as the subscriber, for a program that has a registry. It must
//! not know what is recorded.
//!
//! The registry chooses the span ids here, so each span keeps its key among its extensions.
//! To find it there takes six locked instructions, so those met last are remembered.

mod remembered;

use tracing_core::span::{Attributes, Id};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use self::remembered::{remember, remembered};
use super::spans::Key;
use super::{heard, Told};

/// A layer that records what tokio tells, for a registry of `tracing-subscriber`.
///
/// Its own filter lets through what tokio tells and nothing else. A filter of the program
/// that stands for the whole registry must let through the targets `tokio` and `runtime` at
/// the level trace; put it on the layer that it is meant for instead:
///
/// ```no_run
/// # fn main() {
/// use tracing_subscriber::prelude::*;
/// use tracing_subscriber::{filter::LevelFilter, layer::Identity};
///
/// wakeline::init!();
/// // In the place of `Identity` stands the program's own layer.
/// let own = Identity::new().with_filter(LevelFilter::INFO);
/// let registry = tracing_subscriber::registry().with(wakeline::tracing::layer()).with(own);
/// # drop(registry);
/// # }
/// ```
///
/// Where nothing is recorded or tokio does not tell, it does nothing.
pub fn layer<S>() -> impl tracing_subscriber::Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    use tracing_subscriber::Layer as _;
    let told = heard();
    let is_heard = told.is_some();
    Layer { told }.with_filter(only_tokio(is_heard))
}

fn only_tokio<S>(is_heard: bool) -> impl Filter<S> {
    FilterFn::new(move |metadata: &Metadata<'_>| is_heard && Told::wants(metadata))
}

/// The layer without its filter; see [`layer`].
struct Layer {
    told: Option<&'static Told>,
}

/// What a span of the registry keeps for us.
struct Kept(Key);

/// The key of the span that has this id in the registry.
#[inline]
fn key_of<S>(told: &Told, id: &Id, registry: &Context<'_, S>) -> Key
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let number = id.into_u64();
    remembered(number, told.spans).unwrap_or_else(|| {
        let key = kept_key(id, registry);
        remember(number, key);
        key
    })
}

#[cold]
fn kept_key<S>(id: &Id, registry: &Context<'_, S>) -> Key
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = registry.span(id) else {
        return Key::UNSEEN;
    };
    let extensions = span.extensions();
    extensions.get::<Kept>().map_or(Key::UNSEEN, |kept| kept.0)
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, registry: Context<'_, S>) {
        let (Some(told), Some(span)) = (self.told, registry.span(id)) else {
            return;
        };
        let parent = attributes
            .parent()
            .map(|parent| key_of(told, parent, &registry));
        let key = told.opened(attributes, parent.unwrap_or(Key::NONE));
        span.extensions_mut().insert(Kept(key));
    }

    fn on_event(&self, event: &Event<'_>, registry: Context<'_, S>) {
        if let Some(told) = self.told {
            told.happened(event, |span| match span {
                0 => Key::NONE,
                span => key_of(told, &Id::from_u64(span), &registry),
            });
        }
    }

    fn on_enter(&self, id: &Id, registry: Context<'_, S>) {
        if let Some(told) = self.told {
            told.entered(key_of(told, id, &registry));
        }
    }

    fn on_exit(&self, id: &Id, registry: Context<'_, S>) {
        if let Some(told) = self.told {
            told.left(key_of(told, id, &registry));
        }
    }

    fn on_close(&self, id: Id, registry: Context<'_, S>) {
        if let Some(told) = self.told {
            told.closed(key_of(told, &id, &registry));
        }
    }
}
