//! What only Windows has and only C says, for the programs that are to have no `unsafe` of their own. On other systems
//! every function is there and does nothing, or says that it is not supported.
//!
//! | module | what |
//! | --- | --- |
//! | [`certificates`] | the user's certificate store, MY |
//! | [`dlls`] | where DLLs may come from |

pub mod certificates;
pub mod dlls;
