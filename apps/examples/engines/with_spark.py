"""Labels JSON lines on Spark: python with_spark.py FOLDER IN.jsonl OUT, where OUT becomes a folder of JSON lines."""

import sys
from pathlib import Path

import pandas
from pyspark.sql import SparkSession

folder, source, out = sys.argv[1:]


def label(batches):
    """Of a partition, batch by batch: the model is loaded once."""
    from labels import Labels

    labels = Labels(folder)
    for batch in batches:
        label, score = labels.of(batch["text"])
        yield pandas.DataFrame({"id": batch["id"], "label": label, "score": score})


spark = SparkSession.builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 1024).getOrCreate()
spark.sparkContext.addPyFile(str(Path(__file__).with_name("labels.py")))
rows = spark.read.json(source, schema="id long, text string")
rows.mapInPandas(label, "id long, label string, score float").write.json(out)
