//! What a daemon's cache is relieved of. In a program of its own: it takes the cache from under other builds.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]
#![expect(unused, reason = "this is a part of what the other tests use")]

#[path = "buildkit/support.rs"]
mod support;

use hops_buildkit::Files;
use support::{Daemon, on};

on!(old_docker OldDocker: what_no_image_needs_is_forgotten_beyond_the_limit);
on!(new_docker NewDocker: what_no_image_needs_is_forgotten_beyond_the_limit);

async fn what_no_image_needs_is_forgotten_beyond_the_limit(daemon: Daemon) {
    // Not on a base image: a current engine takes what was made on one for a part of any image that is no more than it.
    let dockerfile =
        "FROM scratch AS waste\nCOPY big small /\nFROM scratch\nCOPY --from=waste /small /NONCE\n";
    let files = Files::new().file("big", vec![b'x'; 4_000_000]).file("small", "");
    let solve = daemon.solve(files, dockerfile);
    let client = daemon.client();
    let first = daemon.build(&solve).await;

    client.prune(1 << 40).await.unwrap();
    let again = daemon.build(&solve).await;
    assert_eq!((again.built().steps_cached, &again.built().digest), (2, &first.built().digest));

    let pruned = client.prune(2_000_000).await.unwrap();
    assert!(pruned.records > 0 && pruned.bytes >= 4_000_000, "{pruned:?}");
    // The image is whole, and so is what led to it.
    let still = daemon.build(&solve).await;
    assert_eq!((still.built().steps_cached, &still.built().digest), (2, &first.built().digest));
}
