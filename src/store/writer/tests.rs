//! Batches on a real file: what is kept, what is taken back, and who hears what.

use super::*;
use crate::store::tables::installation;
use crate::store::tables::settings;
use crate::store::{FILE_NAME, Options, Store, pool};

/// A write that can run again.
type Work = fn(&WriteTx<'_>) -> Result<(), StoreError>;
/// How often it ran, and what came of it.
type Heard = Repeated<u32, (), StoreError>;
type Outcome = oneshot::Receiver<Result<(), StoreError>>;

/// A new database's only connection.
fn connection(folder: &std::path::Path) -> Connection {
    Store::create(folder, Options::default(), |tx| {
        settings::insert_defaults(tx)?;
        Ok::<_, crate::store::OpenError>(installation::insert(tx, false, 1001, 0)?)
    })
    .expect("a database");
    pool::connect(&folder.join(FILE_NAME)).expect("a connection")
}

fn job(
    work: impl FnOnce(&WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
) -> (Box<dyn Job>, Outcome) {
    let (reply, outcome) = oneshot::channel();
    (Box::new(Once::new(work, reply)), outcome)
}

/// Moves the mark, so that kept changes can be seen.
fn set(tx: &WriteTx<'_>, value: i64) -> Result<(), StoreError> {
    installation::update_next_extension(tx, value)
}

fn value(connection: &Connection) -> i64 {
    let sql = "SELECT next_extension FROM installation";
    connection
        .query_row(sql, [], |row| row.get(0))
        .expect("a row")
}

/// Runs the jobs in one batch, and gives what each caller hears.
fn run(connection: &Connection, jobs: Vec<(Box<dyn Job>, Outcome)>) -> Vec<Result<(), StoreError>> {
    let (mut batch, mut outcomes): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
    let committed = commit(connection, &mut batch, &Clock::default());
    for job in &mut batch {
        job.answer(committed.clone());
    }
    let heard = |outcome: &mut Outcome| outcome.try_recv().expect("an answer");
    outcomes.iter_mut().map(heard).collect()
}

#[test]
fn a_refused_write_is_taken_back_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let refused = job(|tx| {
        set(tx, 3)?;
        Err(StoreError::Unique)
    });
    let heard = run(&connection, vec![job(|tx| set(tx, 2)), refused]);
    assert_eq!(heard, [Ok(()), Err(StoreError::Unique)]);
    assert_eq!(value(&connection), 2);
}

#[test]
fn when_sqlite_rolls_everything_back_nobody_is_told_success_and_nothing_is_written_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let rolled_back = job(|tx| {
        tx.connection.execute_batch("ROLLBACK")?;
        // This rule overlooks the failure.
        assert_eq!(set(tx, 3), Err(StoreError::Disk));
        Ok(())
    });
    let jobs = vec![job(|tx| set(tx, 2)), rolled_back, job(|tx| set(tx, 4))];
    let heard = run(&connection, jobs);
    assert_eq!(heard, vec![Err(StoreError::Disk); 3]);
    assert_eq!(value(&connection), 1001);
    assert_eq!(run(&connection, vec![job(|tx| set(tx, 5))]), [Ok(())]);
    assert_eq!(value(&connection), 5);
}

#[test]
fn a_refused_write_that_cannot_be_taken_back_is_not_committed_with_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let stuck = job(|tx| {
        set(tx, 3)?;
        // Now its savepoint cannot be rolled back.
        tx.connection.execute_batch("RELEASE job")?;
        Err(StoreError::Unique)
    });
    let heard = run(&connection, vec![job(|tx| set(tx, 2)), stuck]);
    assert!(heard.iter().all(Result::is_err), "{heard:?}");
    assert_eq!(value(&connection), 1001);
    assert_eq!(run(&connection, vec![job(|tx| set(tx, 5))]), [Ok(())]);
}

#[test]
fn a_transaction_that_was_left_open_does_not_stop_later_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    connection
        .execute_batch("BEGIN; UPDATE installation SET next_extension = 3")
        .expect("a transaction");
    assert_eq!(run(&connection, vec![job(|_| Ok(()))]), [Ok(())]);
    assert_eq!(value(&connection), 1001, "what was left open is not kept");
}

#[test]
fn a_full_database_refuses_and_gets_over_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let fill = "INSERT INTO action_log (at_ms, actor, through, action) VALUES (0, 'x', 'cli', printf('%.8000c', 'x'))";
    connection
        .pragma_update(None, "max_page_count", 1)
        .expect("the least");
    let too_much = job(move |tx| tx.execute(fill, []).map(|_| ()));
    let jobs = vec![job(|tx| set(tx, 2)), too_much, job(|tx| set(tx, 3))];
    // SQLite rolls everything back, so every caller is told, with the reason.
    assert_eq!(run(&connection, jobs), vec![Err(StoreError::Full); 3]);
    assert_eq!(value(&connection), 1001);
    connection
        .pragma_update(None, "max_page_count", 1_000_000)
        .expect("plenty");
    let again = job(move |tx| tx.execute(fill, []).map(|_| ()));
    assert_eq!(run(&connection, vec![again]), [Ok(())]);
}

#[test]
fn what_a_large_write_changes_can_be_taken_back_without_a_temporary_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let fill = "CREATE TABLE pages (text TEXT);
        WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO pages SELECT printf('%.3000c', 'x') FROM n";
    connection.execute_batch(fill).expect("many pages");
    let too_much = job(|tx| {
        tx.execute("UPDATE pages SET text = printf('%.3000c', 'y')", [])?;
        // A container may have no place for one.
        for file in std::fs::read_dir("/proc/self/fd")? {
            let file = std::fs::read_link(file?.path()).unwrap_or_default();
            assert!(!file.to_string_lossy().contains("etilqs"), "{file:?}");
        }
        Err(StoreError::Unique)
    });
    assert_eq!(run(&connection, vec![too_much]), [Err(StoreError::Unique)]);
    let changed = "SELECT count(*) FROM pages WHERE text LIKE 'y%'";
    let changed: i64 = connection
        .query_row(changed, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(changed, 0);
}

#[test]
fn what_is_queued_is_written_before_the_writer_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let watch = Watch::new(&connection, &folder.path().join(FILE_NAME)).expect("files");
    let writer = Writer::start(connection, Arc::new(watch), 2).expect("a writer");
    let (go, gate) = std::sync::mpsc::channel();
    let first = writer.enqueue(move |_| gate.recv().map_err(|_| StoreError::Internal));
    let rest = (1..=50).map(|value| writer.enqueue(move |tx| set(tx, value)));
    let outcomes: Vec<_> = [first].into_iter().chain(rest).collect();
    go.send(()).expect("the first one waits");
    drop(writer);
    for outcome in outcomes {
        assert_eq!(outcome.expect("room").try_recv(), Ok(Ok(())));
    }
    let connection = pool::connect(&folder.path().join(FILE_NAME)).expect("a connection");
    assert_eq!(value(&connection), 50);
}

/// Writes that can run again, each with the number of its runs as its state, in one batch. It gives what each caller
/// hears.
fn run_again(connection: &Connection, works: Vec<Work>) -> Vec<Heard> {
    let queue = |work: Work| {
        let (reply, outcome) = oneshot::channel();
        let counted = move |tx: &WriteTx<'_>, runs: &mut u32| {
            *runs += 1;
            work(tx)
        };
        let job: Box<dyn Job> = Box::new(Again::new(0, counted, reply));
        (job, outcome)
    };
    let (mut batch, mut outcomes): (Vec<_>, Vec<_>) = works.into_iter().map(queue).unzip();
    let committed = commit(connection, &mut batch, &Clock::default());
    for job in &mut batch {
        job.answer(committed.clone());
    }
    let heard = outcomes.iter_mut();
    heard
        .map(|outcome| outcome.try_recv().expect("an answer"))
        .collect()
}

#[test]
fn a_batch_that_can_run_again_does_so_to_take_one_write_back_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let heard = run_again(
        &connection,
        vec![
            |tx| set(tx, 2),
            |tx| {
                set(tx, 3)?;
                Err(StoreError::Unique)
            },
            |tx| {
                // It sees the first write, and nothing of the second.
                let next = installation::next_extension(tx)?;
                set(tx, next + 10)
            },
        ],
    );
    let refused = Ok((2, Err(StoreError::Unique)));
    assert_eq!(heard, [Ok((2, Ok(()))), refused, Ok((1, Ok(())))]);
    assert_eq!(value(&connection), 12);
}

#[test]
fn a_refusal_that_has_changed_nothing_lets_no_write_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let heard = run_again(
        &connection,
        vec![|tx| set(tx, 2), |_| Err(StoreError::Unique)],
    );
    assert_eq!(heard, [Ok((1, Ok(()))), Ok((1, Err(StoreError::Unique)))]);
    assert_eq!(value(&connection), 2);
}

#[test]
fn a_write_that_can_run_again_and_panics_is_taken_back_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let heard = run_again(
        &connection,
        vec![|tx| set(tx, 2), |tx| {
            set(tx, 3)?;
            panic!("a rule");
        }],
    );
    assert_eq!(heard, [Ok((2, Ok(()))), Err(StoreError::Internal)]);
    assert_eq!(value(&connection), 2);
}

#[test]
fn when_sqlite_rolls_everything_back_no_write_runs_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let heard = run_again(
        &connection,
        vec![
            |tx| set(tx, 2),
            |tx| {
                tx.connection.execute_batch("ROLLBACK")?;
                // This rule overlooks the failure.
                assert_eq!(set(tx, 3), Err(StoreError::Disk));
                Ok(())
            },
            |tx| set(tx, 4),
        ],
    );
    assert_eq!(heard, vec![Err(StoreError::Disk); 3]);
    assert_eq!(value(&connection), 1001);
}

#[test]
fn beside_a_write_that_runs_once_each_one_runs_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = connection(folder.path());
    let (reply, mut outcome) = oneshot::channel();
    let counted = |tx: &WriteTx<'_>, runs: &mut u32| {
        *runs += 1;
        set(tx, 3)?;
        Err::<(), _>(StoreError::Unique)
    };
    let again: Box<dyn Job> = Box::new(Again::new(0, counted, reply));
    let (once, _) = job(|tx| set(tx, 2));
    let mut batch = vec![once, again];
    let committed = commit(&connection, &mut batch, &Clock::default());
    for job in &mut batch {
        job.answer(committed.clone());
    }
    let heard = outcome.try_recv().expect("an answer");
    assert_eq!(heard, Ok((1, Err(StoreError::Unique))));
    assert_eq!(value(&connection), 2);
}
