{% set end_of_time = "cast('9999-12-31 00:00:00+00' as " ~ portable('instant') ~ ")" %}

with turns as (
    select * from {{ ref('int_turns') }}
    where bot is not null
),

ends as (
    select * from {{ ref('int_turn_ends') }}
),

spans as (
    select
        bot,
        min(began_at) as first_seen_at,
        max(last_event_at) as last_seen_at,
        count(distinct turn_id) as turns
    from turns
    group by bot
),

told as (
    select
        bot,
        accepted_at,
        turn_id,
        {{ template_key('ends') }} as template_key,
        template_id,
        template_hash
    from ends
    where template_id <> ''
),

switched as (
    select *
    from told
    qualify template_key <> coalesce(lag(template_key) over (partition by bot order by accepted_at, turn_id), '')
),

-- Of several at the same instant the last one holds.
one_an_instant as (
    select *
    from switched
    qualify row_number() over (partition by bot, accepted_at order by turn_id desc) = 1
),

changes as (
    select *
    from one_an_instant
    qualify template_key <> coalesce(lag(template_key) over (partition by bot order by accepted_at), '')
),

versions as (
    select
        spans.bot,
        changes.template_key,
        changes.template_id,
        changes.template_hash,
        case
            when lag(spans.bot) over (partition by spans.bot order by changes.accepted_at) is null
                then spans.first_seen_at
            else changes.accepted_at
        end as valid_from,
        lead(changes.accepted_at) over (partition by spans.bot order by changes.accepted_at) as next_from,
        spans.first_seen_at,
        spans.last_seen_at,
        spans.turns
    from spans
    left join changes on spans.bot = changes.bot
),

newest as (
    select
        bot,
        model
    from ends
    where model is not null
    qualify row_number() over (partition by bot order by occurred_at desc, event_id asc) = 1
),

final as (
    select
        {{ portable('key', "concat(versions.bot, '@', " ~ portable('instant_label', 'versions.valid_from') ~ ")") }}
            as bot_key,
        versions.bot,
        versions.template_key,
        versions.template_id,
        versions.template_hash,
        versions.valid_from,
        coalesce(versions.next_from, {{ end_of_time }}) as valid_to,
        versions.next_from is null as is_current,
        newest.model as newest_model,
        versions.first_seen_at,
        versions.last_seen_at,
        versions.turns
    from versions
    left join newest on versions.bot = newest.bot
)

select * from final
