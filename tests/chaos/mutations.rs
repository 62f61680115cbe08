//! What keeps people from being called wrongly, taken out in the test's own database: chaos has to notice. The product
//! is as it is.

use crate::laws::Law;
use sqlx::PgPool;

/// A guard that is taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// The row that only one open attempt to a number can have.
    UniqueRow,
    /// The epoch that shuts out those who lead no more.
    Fence,
    /// The look at do-not-call in the transaction that marks an attempt.
    Recheck,
}

/// Every open attempt takes a number of its own, so that none is in the way of another.
const NO_UNIQUE_ROW: &str = "
    CREATE FUNCTION chaos_mutation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.open_number := NEW.open_number || '#' || NEW.id;
        RETURN NEW;
    END $$;
    CREATE TRIGGER b_chaos_mutation BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION chaos_mutation();
";

/// The epoch never rises, so that everybody's is new enough.
const NO_FENCE: &str = "
    CREATE FUNCTION chaos_mutation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.epoch := OLD.epoch;
        RETURN NEW;
    END $$;
    CREATE TRIGGER b_chaos_mutation BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION chaos_mutation();
";

/// A transaction that has locked a planned attempt, as the one that marks it does, sees an empty list.
const NO_RECHECK: &str = "
    ALTER TABLE do_not_call RENAME TO do_not_call_kept;
    CREATE VIEW do_not_call AS SELECT * FROM do_not_call_kept
        WHERE COALESCE(current_setting('chaos.marks', true), '') <> 'yes';
    CREATE FUNCTION chaos_mutation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM set_config('chaos.marks', 'yes', true);
        RETURN NEW;
    END $$;
    CREATE TRIGGER b_chaos_mutation BEFORE UPDATE ON attempts FOR EACH ROW
        WHEN (OLD.state = 'planned' AND NEW.state = 'planned') EXECUTE FUNCTION chaos_mutation();
";

impl Mutation {
    /// By its name in `CHAOS_MUTATION`.
    pub fn named(name: &str) -> Self {
        match name {
            "unique_row" => Self::UniqueRow,
            "fence" => Self::Fence,
            "recheck" => Self::Recheck,
            other => panic!("CHAOS_MUTATION is {other}; use unique_row, fence or recheck"),
        }
    }

    /// The law that catches it.
    pub fn caught_by(self) -> Law {
        match self {
            Self::UniqueRow => Law::OneCallPerNumber,
            Self::Fence => Law::Leader,
            Self::Recheck => Law::OptOut,
        }
    }

    /// Takes the guard out.
    pub async fn apply(self, database: &PgPool) -> Result<(), sqlx::Error> {
        let sql = match self {
            Self::UniqueRow => NO_UNIQUE_ROW,
            Self::Fence => NO_FENCE,
            Self::Recheck => NO_RECHECK,
        };
        sqlx::raw_sql(sql).execute(database).await.map(drop)
    }
}
