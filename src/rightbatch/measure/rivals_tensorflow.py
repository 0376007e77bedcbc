"""Batches by tf.data: row by row as its guide shows, and by gathering whole batches as Keras does."""

from typing import Any

import tensorflow as tf

from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.records import Array


def _row_by_row(x: Array, y: Array, batch_size: int) -> Epoch:
    rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), reshuffle_each_iteration=True)
    data = rows.batch(batch_size, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    as_arrays: Epoch = data.as_numpy_iterator
    return as_arrays


def _gathered(x: Array, y: Array, batch_size: int) -> Epoch:
    steps, arrays = -(-len(x) // batch_size), (tf.convert_to_tensor(x), tf.convert_to_tensor(y))

    def batches(rows: Any) -> Any:
        steps_of = tf.data.Dataset.range(steps)
        return steps_of.map(lambda step: rows[step * batch_size : (step + 1) * batch_size])

    def gather(rows: Any) -> Any:
        return tuple(tf.gather(array, rows) for array in arrays)

    orders = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(len(x))))
    data = orders.flat_map(batches).map(gather, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    as_arrays: Epoch = data.as_numpy_iterator
    return as_arrays


_VERSION = f"tensorflow {tf.__version__}"

RIVALS = (
    Rival("tf.data", _VERSION, "from_tensor_slices, shuffle(n), batch, prefetch", _row_by_row),
    Rival("tf.data, gathered", _VERSION, "indices shuffled, then map(gather), prefetch", _gathered),
)
