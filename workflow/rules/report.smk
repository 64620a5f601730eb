rule report:
    input:
        config=f"{OUT}/config/report.json",
        metrics=f"{OUT}/metrics.json",
        predictions=f"{OUT}/predictions.parquet",
        losses=f"{OUT}/train_log.jsonl",
        clips_ledger=f"{OUT}/clips.ledger.json",
        ledger=f"{OUT}/ledger.json",
        dataset=f"{OUT}/dataset/train",
        model=f"{OUT}/model",
    output:
        page=f"{OUT}/report.html",
    log:
        f"{OUT}/logs/report.log",
    benchmark:
        f"{OUT}/benchmarks/report.tsv"
    shell:
        "balsa report --config {input.config} --metrics {input.metrics}"
        " --predictions {input.predictions} --losses {input.losses}"
        " --clips-ledger {input.clips_ledger} --ledger {input.ledger} --dataset {input.dataset}"
        " --model {input.model} --out {output.page} 2> >(tee {log} >&2)"
