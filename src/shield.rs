//! Against panics in the code of others on damaged files.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is at work for which a panic is an error like any other.
    static SHIELDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Panics of a shielded thread are told by those who catch them.
fn hook() {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !SHIELDED.get() {
                before(panic);
            }
        }));
    });
}

/// Lets a thread that does nothing but work in the code of others panic without a word; who waits for
/// the work learns of it.
#[cfg(feature = "sql")]
pub(crate) fn shield_this_thread() {
    hook();
    SHIELDED.set(true);
}

/// Does work in the code of others and gives what it panicked with as a message, without a word on
/// standard error. What was worked on must not be used any more then.
pub(crate) fn shielded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    hook();
    let outer = SHIELDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    SHIELDED.set(outer);
    done.map_err(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied());
        told.unwrap_or("its parts do not fit together").to_owned()
    })
}

/// An iterator of others that ends with an error where it panics.
pub(crate) struct Shielded<I> {
    inner: Option<I>,
}

impl<I> Shielded<I> {
    pub(crate) fn new(inner: I) -> Self {
        Self { inner: Some(inner) }
    }
}

impl<T, I: Iterator<Item = Result<T, String>>> Iterator for Shielded<I> {
    type Item = Result<T, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.inner.as_mut()?;
        shielded(|| inner.next()).unwrap_or_else(|message| {
            self.inner = None;
            Some(Err(message))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages_and_end_an_iterator() {
        assert_eq!(shielded(|| 7), Ok(7));
        let panicked: Result<(), String> = shielded(|| panic!("broken {}", 1));
        assert_eq!(panicked, Err("broken 1".to_owned()));
        let mut left = 2;
        let numbers = std::iter::from_fn(|| {
            left -= 1;
            assert!(left > 0, "no more");
            Some(Ok(left))
        });
        let found: Vec<Result<i32, String>> = Shielded::new(numbers).collect();
        assert_eq!(found, [Ok(1), Err("no more".to_owned())]);
    }
}
