"""The same promises that programs here are held to, kept on a host: these are the very tests, given another runner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstay.host.clock import SystemClock
from backstay.host.secrets import HostSecrets
from backstay.host.ssh.machine import SshMachine
from backstay.host.ssh.runner import SshRunner
from far_hosts import FarHost
from host.ssh_machines import machine_at, outside
from host.test_processes import (  # noqa: F401 - collected here once more
    test_a_chatty_service_neither_blocks_nor_fills_memory,
    test_a_missing_folder_to_work_in_is_the_programs_failure,
    test_a_paused_program_can_be_stopped,
    test_a_program_can_be_fed_from_a_stream_of_another,
    test_a_program_is_stopped_in_its_own_way_and_given_time_to_end,
    test_a_program_left_in_the_background_neither_holds_us_up_nor_survives,
    test_a_program_that_dies_while_it_is_fed_reports_its_own_status,
    test_a_program_that_is_not_there_says_how_to_install_it,
    test_a_program_that_was_killed_has_a_negative_status,
    test_a_program_that_will_not_stop_is_killed_after_its_grace,
    test_a_secret_is_in_the_environment_and_in_no_argument,
    test_a_service_tells_its_log_and_is_gone_afterwards,
    test_a_service_that_ends_by_itself_says_how,
    test_a_stop_reaches_the_whole_group_before_it_is_told,
    test_a_stream_gives_the_bytes_and_then_the_failure,
    test_a_stream_that_is_left_early_stops_its_program,
    test_an_objection_to_a_line_stops_the_program,
    test_known_secrets_are_hidden_in_errors_and_logs,
    test_lines_come_one_by_one_and_the_last_needs_no_end,
    test_names_that_are_no_utf8_stay_visible,
    test_output_that_no_memory_can_hold_is_a_failure,
    test_status_output_and_errors_come_back,
    test_the_errors_that_are_kept_begin_with_a_whole_line,
    test_the_wish_to_stop_is_asked_for_twice_a_second_whatever_the_program_does,
    test_what_is_fed_arrives_whole,
    test_when_the_feed_fails_the_program_never_sees_the_end_of_its_input,
)


@pytest.fixture(scope="module")
def root_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHost]:
    """A host where we are root, because these tests look at files that the programs write."""
    with outside(tmp_path_factory.mktemp("far")) as far:
        yield far.link().host("app1", account="root")


@pytest.fixture(scope="module")
def machine(root_at: FarHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshMachine]:
    with machine_at(root_at, tmp_path_factory.mktemp("state")) as machine:
        yield machine


@pytest.fixture
def runner(machine: SshMachine, secrets: HostSecrets) -> SshRunner:
    return SshRunner(machine.host, secrets, SystemClock(), machine.ways)
