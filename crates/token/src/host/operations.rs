//! The operations as calls to the host.

use super::{ModuleHost, unexpected};
use crate::operations::{TokenAnswer, TokenCall, UnlockAnswer, UnlockCall};
use crate::wire::{Call, Reply};
use crate::{Result, TokenAccess, TokenError, TokenId, TokenInfo, Unlocker};

impl ModuleHost {
    /// Calls that work on what an earlier call has left in the host: one that was started anew has nothing.
    fn go_on(&mut self, call: Call) -> Result<Reply> {
        if self.link.is_none() { Err(TokenError::ReleaseGone) } else { self.call(call) }
    }
}

macro_rules! ask {
    (once $host:ident $call:ident) => {
        $host.call($call())?
    };
    (again $host:ident $call:ident) => {
        $host.call_again($call)?
    };
    (goes_on $host:ident $call:ident) => {
        $host.go_on($call())?
    };
    (goes_on_or_default $host:ident $call:ident) => {
        match $host.go_on($call()) {
            Err(TokenError::ReleaseGone) => return Ok(Default::default()),
            reply => reply?,
        }
    };
}

macro_rules! client {
    (
        { $trait:ident as $part:ident, $calls:ident, $answers:ident; $($more:tt)* }
        $(
            $(#[$doc:meta])*
            $variant:ident $method:ident($($arg:ident: &$type:ty),*) -> $out:ty,
                $mode:ident, $deadline:ident, $effect:ident, $route:ident;
        )+
    ) => {
        impl $trait for ModuleHost {
            $($more)*
            $(
                fn $method(&mut self, token: &TokenId, $($arg: &$type),*) -> Result<$out> {
                    let call = || Call::$part(token.clone(), $calls::$variant($($arg.to_owned()),*));
                    match ask!($mode self call) {
                        Reply::$part($answers::$variant(given)) => Ok(given),
                        _ => Err(unexpected()),
                    }
                }
            )+
        }
    };
}

crate::token_operations!(client {
    TokenAccess as Token, TokenCall, TokenAnswer;
    fn list(&mut self) -> Result<Vec<TokenInfo>> {
        match self.call_again(|| Call::List)? {
            Reply::Tokens(tokens) => Ok(tokens),
            _ => Err(unexpected()),
        }
    }
});

crate::unlock_operations!(client {
    Unlocker as Unlock, UnlockCall, UnlockAnswer;
});
