"""From jobs that run already to monitors: crontabs and CronJobs."""
