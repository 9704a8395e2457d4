with activity as (
    select * from {{ ref('int_turn_activity') }}
),

attempts as (
    select * from {{ ref('stg_llm_usage') }}
),

spans as (
    select
        bot,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(distinct turn_id) as turns
    from activity
    group by bot
),

newest as (
    select
        bot,
        model as newest_model,
        template_id as newest_template_id,
        template_hash as newest_template_hash
    from attempts
    qualify row_number() over (partition by bot order by occurred_at desc, event_id asc) = 1
),

final as (
    select
        spans.bot,
        spans.first_seen_at,
        spans.last_seen_at,
        spans.turns,
        newest.newest_model,
        newest.newest_template_id,
        newest.newest_template_hash
    from spans
    left join newest on spans.bot = newest.bot
)

select * from final
