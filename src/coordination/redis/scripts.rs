//! The scripts, one per step, each with the common prelude before it.

use deadpool_redis::redis::Script;

macro_rules! scripts {
    ($($name:ident)*) => {
        /// Every step as a script. Sent by its digest; the server asks for the text once.
        pub(super) struct Scripts {
            $(pub(super) $name: Script,)*
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self {
                    $($name: Script::new(concat!(
                        include_str!("scripts/prelude.lua"),
                        include_str!(concat!("scripts/", stringify!($name), ".lua")),
                    )),)*
                }
            }
        }
    };
}

scripts! {
    acquire look_up give_back held usage campaign_lease renew_lease begin_rebuild finish_rebuild
}
