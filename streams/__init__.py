"""The Kafka shell around the behaviour: Faust apps, the runner, adapters. The only place for faust and litellm."""
