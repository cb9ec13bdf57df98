"""The grammar's sections become the domain's values, which have the same names wherever they mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backstay.domain import estate as domain

from .estate_file import EstateFile
from .grammar import PolicySection, Section, TargetSection
from .workloads import (
    CommandWorkload,
    FilesWorkload,
    MariadbWorkload,
    OneWorkload,
    PostgresqlWorkload,
    QuestionSection,
    SqliteWorkload,
    WorkloadSection,
)


def built(file: EstateFile) -> domain.Estate:
    """The estate that a sound file describes."""
    policies = {name: _policy(name, section) for name, section in file.policies.items()}
    return domain.Estate(
        name=file.estate,
        timezone=file.timezone,
        targets={name: _target(name, section) for name, section in file.targets.items()},
        policies=policies,
        workloads={name: _workload(name, section, policies) for name, section in file.workloads.items()},
        workflow=file.workflow,
        catalog=file.catalog,
        here=_here(file),
        hosts={
            name: domain.Host(name, **_values(section))
            for name, section in file.hosts.items()
            if name != domain.LOCALHOST
        },
        links={name: domain.Link(name, **_values(section)) for name, section in file.links.items()},
        pools={name: domain.Pool(name, **_values(section)) for name, section in file.pools.items()},
        windows={name: domain.Window(name, **_values(section)) for name, section in file.windows.items()},
        blackouts={name: domain.Blackout(name, **_values(section)) for name, section in file.blackouts.items()},
        job_share=file.job_share,
    )


def _values(section: Section) -> dict[str, Any]:
    return {key: getattr(section, key) for key in type(section).model_fields}


def _here(file: EstateFile) -> domain.Here:
    section = file.hosts.get(domain.LOCALHOST)
    return domain.Here(section.read, section.slots) if section else domain.Here()


def _target(name: str, section: TargetSection) -> domain.Target:
    price = section.price and domain.Price(section.price.store, section.price.egress, section.price.currency)
    return domain.Target(name, **_values(section) | {"price": price})


def _policy(name: str, section: PolicySection) -> domain.Policy:
    keep = domain.Keep(**_values(section.keep)) if section.keep else domain.Keep()
    require = domain.Require(**_values(section.require))
    return domain.Policy(name, **_values(section) | {"keep": keep, "require": require})


def _workload(name: str, section: OneWorkload, policies: Mapping[str, domain.Policy]) -> domain.Workload:
    return domain.Workload(
        name=name,
        kind=section.kind,
        source=_source(section),
        policy=policies[section.policy] if section.policy else None,
        engine=section.engine,
        host=None if section.host == domain.LOCALHOST else section.host,
        group=section.group,
        after=section.after,
        exempt=domain.Exemption(**_values(section.exempt)) if section.exempt else None,
        plausible=domain.Plausible(**_values(section.plausible)),
        allow_unreadable=section.allow_unreadable,
        ask=tuple(_question(number, question) for number, question in enumerate(section.ask, start=1)),
    )


def _source(section: OneWorkload) -> domain.Source:
    match section:
        case FilesWorkload():
            return domain.FilesSource(section.paths, section.exclude)
        case PostgresqlWorkload() | MariadbWorkload():
            return domain.DatabaseSource(section.dsn)
        case SqliteWorkload():
            return domain.SqliteSource(section.path)
        case CommandWorkload():
            return domain.CommandSource(section.command, section.file_name)
    common = {*WorkloadSection.model_fields, "kind", "engine"}
    return domain.LaterSource({key: value for key, value in _values(section).items() if key not in common})


def _question(number: int, section: QuestionSection) -> domain.Question:
    return domain.Question(**_values(section) | {"name": section.name or f"question {number}"})
