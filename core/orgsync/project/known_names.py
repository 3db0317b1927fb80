"""Names by which runs are listed: whether there is such a sync, action or connection, where no run was found."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orgsync.errors import NameUnknown
from orgsync.settings import Settings
from orgsync.store.view import View

if TYPE_CHECKING:
    from orgsync.scripts.action_survey import SurveyedAction
    from orgsync.scripts.survey import SurveyedSync

__all__ = ["require_known"]


def require_known(
    view: View, settings: Settings, *, sync: str | None = None, action: str | None = None, connection: str | None = None
) -> None:
    """Raise NameUnknown, with the nearest name, for what neither exists nor has a run.

    While a script does not load, a sync or an action that is not found may be in it: then nothing is raised. Raises
    ScriptNotLoaded and SettingInvalid as `survey` does.
    """
    if connection is not None and not view.runs(1, connection=connection):
        view.connection(connection)
    if sync is not None and sync not in (known := view.syncs()):
        from orgsync.scripts.survey import survey  # here: who finds runs looks at no script

        _require("sync", sync, survey(settings.syncs_folder, settings.objects), known)
    if action is not None and not view.runs(1, action=action):
        from orgsync.scripts.action_survey import survey_actions

        _require("action", action, survey_actions(settings.syncs_folder), ())


def _require(kind: str, name: str, there: "Iterable[SurveyedSync | SurveyedAction]", copied: Iterable[str]) -> None:
    found = [*there]
    known = {*copied, *(each.name for each in found)}
    if name not in known and all(each.loads for each in found):
        raise NameUnknown.among(kind, name, known, none_yet=f"The project has no {kind} yet.")
