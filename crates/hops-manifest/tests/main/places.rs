//! Keys in the wrong file.

use expect_test::expect;

use crate::support::{check_tree, several};

#[test]
fn settings_of_an_appling_do_not_stand_in_a_root_file_with_applings() {
    check_tree(
        &several(&[
            (
                "iterapp.toml",
                "applings = ['web']\nport = 80\nhealth = '/'\n[env.common]\nA = 'x'\n[[static]]\nlocal_dir = '/x'\nurl_path = '/x'",
            ),
            ("web/iterapp.toml", ""),
        ]),
        expect![[r#"
            error[misplaced-key]: `port` is about one appling, and the root file lists `applings`
             --> iterapp.toml:2:1
              |
            2 | port = 80
              | ^^^^
              |
              = help: move it into the file of the appling it is for, such as `web/iterapp.toml`

            error[misplaced-key]: `health` is about one appling, and the root file lists `applings`
             --> iterapp.toml:3:1
              |
            3 | health = '/'
              | ^^^^^^
              |
              = help: move it into the file of the appling it is for, such as `web/iterapp.toml`

            warning[superseded-key]: `health` is now called `readiness_path`; the old name still works
             --> iterapp.toml:3:1
              |
            3 | health = '/'
              | ^^^^^^
              |
              = help: write `readiness_path` in its place

            error[misplaced-key]: `[env]` is about one appling, and the root file lists `applings`
             --> iterapp.toml:4:2
              |
            4 | [env.common]
              |  ^^^
              |
              = help: move it into the file of the appling it is for, such as `web/iterapp.toml`

            error[misplaced-key]: `[[static]]` is about one appling, and the root file lists `applings`
             --> iterapp.toml:6:3
              |
            6 | [[static]]
              |   ^^^^^^
              |
              = help: move it into the file of the appling it is for, such as `web/iterapp.toml`
        "#]],
    );
}

#[test]
fn settings_of_the_app_do_not_stand_in_an_applings_file() {
    check_tree(
        &several(&[
            ("iterapp.toml", "applings = ['web']"),
            (
                "web/iterapp.toml",
                "name = 'web'\ndefault_environment = 'prod'\napplings = ['x']\nauto_deploy_env = 'prod'",
            ),
        ]),
        expect![[r#"
            error[misplaced-key]: `name` is about the app and belongs into the root file
             --> web/iterapp.toml:1:1
              |
            1 | name = 'web'
              | ^^^^
              |
              = help: move it to the `iterapp.toml` at the repository's root, above the first table header

            error[misplaced-key]: `default_environment` is about the app and belongs into the root file
             --> web/iterapp.toml:2:1
              |
            2 | default_environment = 'prod'
              | ^^^^^^^^^^^^^^^^^^^
              |
              = help: move it to the `iterapp.toml` at the repository's root, above the first table header

            error[misplaced-key]: `applings` is about the app and belongs into the root file
             --> web/iterapp.toml:3:1
              |
            3 | applings = ['x']
              | ^^^^^^^^
              |
              = help: move it to the `iterapp.toml` at the repository's root, above the first table header

            error[misplaced-key]: `auto_deploy_env` is about the app and belongs into the root file
             --> web/iterapp.toml:4:1
              |
            4 | auto_deploy_env = 'prod'
              | ^^^^^^^^^^^^^^^
              |
              = help: move it to the `iterapp.toml` at the repository's root, above the first table header

            warning[superseded-key]: `auto_deploy_env` is now called `default_environment`; the old name still works
             --> web/iterapp.toml:4:1
              |
            4 | auto_deploy_env = 'prod'
              | ^^^^^^^^^^^^^^^
              |
              = help: write `default_environment` in its place
        "#]],
    );
}

#[test]
fn an_emoji_may_stand_in_either_and_the_root_files_wins() {
    check_tree(
        &several(&[("iterapp.toml", "applings = ['web']"), ("web/iterapp.toml", "emoji = '✨'")]),
        expect![[r#"
            app shop ✨, pushes to test, Listed
              appling web in "web"
        "#]],
    );
    check_tree(
        &several(&[
            ("iterapp.toml", "emoji = '🗿'\napplings = ['web']"),
            ("web/iterapp.toml", "emoji = '✨'"),
        ]),
        expect![[r#"
            app shop 🗿, pushes to test, Listed
              appling web in "web"
        "#]],
    );
}
