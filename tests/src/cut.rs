//! Something that stands between a flow and its keys, and acts before or after any of the calls: a crash of the flow's
//! process is a panic there, after which the test drops the tokens, and with them their driver host.

use ycd_token::{Result, TokenAccess, TokenId, TokenInfo, TokenSet, Unlocker};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Called with the call's name and when.
pub type Hook<'a> = Box<dyn FnMut(&'static str, When) + 'a>;

pub struct Between<'a> {
    tokens: &'a mut TokenSet,
    hook: Hook<'a>,
}

/// What a crash unwinds with.
#[derive(Debug, Clone, Copy)]
pub struct Crash;

impl<'a> Between<'a> {
    pub fn new(tokens: &'a mut TokenSet, hook: impl FnMut(&'static str, When) + 'a) -> Self {
        Self { tokens, hook: Box::new(hook) }
    }

    /// The process ends at the `n`-th of the moments before and after calls, counted from 0.
    pub fn crashes_at(tokens: &'a mut TokenSet, n: usize) -> Self {
        let mut seen = 0;
        Self::new(tokens, move |_, _| {
            if seen == n {
                std::panic::panic_any(Crash);
            }
            seen += 1;
        })
    }

    /// The process ends before or after the first call of this name.
    pub fn crashes(tokens: &'a mut TokenSet, when: When, name: &'static str) -> Self {
        Self::new(tokens, move |called, now| {
            if called == name && now == when {
                std::panic::panic_any(Crash);
            }
        })
    }

    fn call<T>(&mut self, name: &'static str, act: impl FnOnce(&mut TokenSet) -> T) -> T {
        (self.hook)(name, When::Before);
        let made = act(self.tokens);
        (self.hook)(name, When::After);
        made
    }
}

macro_rules! hooked {
    (
        { $trait:ident; $($more:tt)* }
        $(
            $(#[$doc:meta])*
            $variant:ident $method:ident($($arg:ident: &$type:ty),*) -> $out:ty,
                $mode:ident, $deadline:ident, $effect:ident, $route:ident;
        )+
    ) => {
        impl $trait for Between<'_> {
            $($more)*
            $(
                fn $method(&mut self, token: &TokenId, $($arg: &$type),*) -> Result<$out> {
                    self.call(stringify!($method), |tokens| tokens.$method(token, $($arg),*))
                }
            )+
        }
    };
}

ycd_token::token_operations!(hooked {
    TokenAccess;
    fn list(&mut self) -> Result<Vec<TokenInfo>> {
        self.call("list", |tokens| tokens.list())
    }
});

ycd_token::unlock_operations!(hooked { Unlocker; });
