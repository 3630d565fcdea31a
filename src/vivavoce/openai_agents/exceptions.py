"""The exceptions of `agents.exceptions`, as far as something here raises them."""

from vivavoce.errors import ConfigurationError as UserError
from vivavoce.errors import VivavoceError as AgentsException
from vivavoce.text import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunErrorDetails,
)

__all__ = [
    "AgentsException",
    "InputGuardrailTripwireTriggered",
    "MaxTurnsExceeded",
    "ModelBehaviorError",
    "OutputGuardrailTripwireTriggered",
    "RunErrorDetails",
    "UserError",
]
