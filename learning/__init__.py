"""Learning rules, losses, optimizers and tasks on plain arrays.

The package knows nothing of circuits. Activities are volts, weights V/V; torch and scikit-learn
are imported only by the functions that need them.
"""

from learning.activation import Activation, ActivationFunction, MeasuredActivation
from learning.angle import angle_deg, expected_angle_deg
from learning.arrays import Array
from learning.baselines import Backpropagation, NodePerturbation
from learning.danp import ActivityPerturbation
from learning.datasets.table import Columns, Origin, Scale, Table
from learning.decorrelation import decorrelation_update
from learning.defaults import DEFAULTS, OWN, TABLE, TASKS, TaskDefaults, own_defaults
from learning.gradient import loss_gradient, node_gradient
from learning.losses import LOSSES, Loss, SoftmaxCrossEntropy, SquaredError
from learning.model import Activity, Model, forward, init_model
from learning.optimizers import (
    OPTIMIZERS,
    Adam,
    Optimizer,
    Sgd,
    State,
    apply_update,
    make_optimizer,
)
from learning.rule import Evidence, Reduction, Rule, Update
from learning.rules import RULES, make_rule
from learning.tasks import Task, make_task, table_defaults, table_task

__all__ = [
    "DEFAULTS",
    "LOSSES",
    "OPTIMIZERS",
    "OWN",
    "RULES",
    "TABLE",
    "TASKS",
    "Activation",
    "ActivationFunction",
    "Activity",
    "ActivityPerturbation",
    "Adam",
    "Array",
    "Backpropagation",
    "Columns",
    "Evidence",
    "Loss",
    "MeasuredActivation",
    "Model",
    "NodePerturbation",
    "Optimizer",
    "Origin",
    "Reduction",
    "Rule",
    "Scale",
    "Sgd",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "State",
    "Table",
    "Task",
    "TaskDefaults",
    "Update",
    "angle_deg",
    "apply_update",
    "decorrelation_update",
    "expected_angle_deg",
    "forward",
    "init_model",
    "loss_gradient",
    "make_optimizer",
    "make_rule",
    "make_task",
    "node_gradient",
    "own_defaults",
    "table_defaults",
    "table_task",
]
