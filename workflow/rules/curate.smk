rule curate:
    input:
        config=f"{OUT}/config/curate.json",
        samples=expand(f"{OUT}/samples/{{shard}}.parquet", shard=SHARDS),
        clips_ledger=f"{OUT}/clips.ledger.json",
        stages=expand(
            f"{OUT}/config/{{stage}}.json", stage=["ingest", "compose", "synthesize"]
        ),
        prompts=prompt_files(cfg),
    output:
        train=directory(f"{OUT}/dataset/train"),
        validation=directory(f"{OUT}/dataset/validation"),
        card=f"{OUT}/dataset/README.md",
        croissant=f"{OUT}/dataset/croissant.json",
        provenance=f"{OUT}/dataset/provenance.json",
        ledger=f"{OUT}/ledger.json",
    log:
        f"{OUT}/logs/curate.log",
    benchmark:
        f"{OUT}/benchmarks/curate.tsv"
    shell:
        "balsa curate --config {input.config} --clips-ledger {input.clips_ledger}"
        f" --dataset {OUT}/dataset --ledger {{output.ledger}} {{input.samples}} 2> >(tee {{log}} >&2)"
