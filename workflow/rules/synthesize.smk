rule synthesize:
    input:
        config=f"{OUT}/config/synthesize.json",
        seed_prompts=f"{OUT}/seed_prompts/{{shard}}.parquet",
        assets=asset_stamps(cfg),
    output:
        samples=f"{OUT}/samples/{{shard}}.parquet",
    log:
        f"{OUT}/logs/synthesize/{{shard}}.log",
    benchmark:
        f"{OUT}/benchmarks/synthesize/{{shard}}.tsv"
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        journal=lambda wildcards: f"{OUT}/samples/journal/{wildcards.shard}.jsonl",
    shell:
        "balsa synthesize --config {input.config} --seed-prompts {input.seed_prompts}"
        " --journal {params.journal} --out {output.samples} 2> >(tee {log} >&2)"
