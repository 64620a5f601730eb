rule train:
    input:
        config=f"{OUT}/config/train.json",
        train=f"{OUT}/dataset/train",
        validation=f"{OUT}/dataset/validation",
        assets=asset_stamps(cfg),
    output:
        model=directory(f"{OUT}/model"),
        losses=f"{OUT}/train_log.jsonl",
    log:
        f"{OUT}/logs/train.log",
    benchmark:
        f"{OUT}/benchmarks/train.tsv"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        checkpoints=lambda wildcards: f"{OUT}/train",
    shell:
        "balsa train --config {input.config} --train {input.train} --validation {input.validation}"
        " --checkpoints {params.checkpoints} --out {output.model} --losses {output.losses}"
        " 2> >(tee {log} >&2)"
