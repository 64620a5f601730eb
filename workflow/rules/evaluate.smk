rule evaluate:
    input:
        config=f"{OUT}/config/evaluate.json",
        clips=f"{OUT}/clips.parquet",
        model=f"{OUT}/model",
        suites=[str(path) for path in cfg.evaluate.suites],
        assets=asset_stamps(cfg),
    output:
        predictions=f"{OUT}/predictions.parquet",
        metrics=f"{OUT}/metrics.json",
    log:
        f"{OUT}/logs/evaluate.log",
    benchmark:
        f"{OUT}/benchmarks/evaluate.tsv"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        journal=f"{OUT}/evaluate/replies.jsonl",
    shell:
        "balsa evaluate --config {input.config} --clips {input.clips} --model {input.model}"
        " --journal {params.journal} --predictions {output.predictions} --metrics {output.metrics} 2> >(tee {log} >&2)"
